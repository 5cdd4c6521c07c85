"""orion-deploy: carries a deployment checklist out, survives interruption, keeps the evidence."""

__version__ = "0.1.0"
