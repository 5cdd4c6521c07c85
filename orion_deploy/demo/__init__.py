"""The sandbox: a database, a stand-in Orion that lives, a checklist that points at them, and faults to inject."""
