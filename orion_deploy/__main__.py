"""The door. `--version` is answered here, before anything else is imported."""

import sys


def main() -> int:
    """Run the command line; returns the exit code (`orion_deploy.errors.ExitCode`)."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from orion_deploy import __version__

        print(f"orion-deploy {__version__}")  # which a closed stdout does not mind
        return 0
    from orion_deploy.cli.start import start

    return start(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
