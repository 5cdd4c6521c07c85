"""What a block is for: whatever is not plainly a command is never run."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orion_deploy.checklist.code import block_of, step_block
from orion_deploy.checklist.model import Role


@pytest.mark.parametrize("language", ["bash", "sh", "shell", "zsh", "Bash", "SH", "{.bash}", "bash,linenos"])
def test_shells(language: str) -> None:
    """A shell block is a command, run as it stands."""
    block = block_of("set -e\nls |\n  wc -l", language, 4)
    assert (block.role, block.script, block.line, block.language) == (
        Role.COMMAND,
        "set -e\nls |\n  wc -l",
        4,
        language,
    )


@pytest.mark.parametrize(
    "language", ["", "text", "yaml", "json", "sql", "python", "powershell", "diff", "fish", "Dockerfile"]
)
def test_samples(language: str) -> None:
    """Any other language is a sample, and so is a block of none: nothing of it runs."""
    block = block_of("rm -rf /tmp/x", language, 1)
    assert (block.role, block.script) == (Role.SAMPLE, "")


@pytest.mark.parametrize("text", ["# Launch the app", "# one\n\n  # two", "", "\n"])
def test_instructions(text: str) -> None:
    """A shell block of comments only is read by a person."""
    assert block_of(text, "bash", 1).role is Role.INSTRUCTION


@pytest.mark.parametrize("language", ["console", "", "bash", "shell-session", "terminal", "sh"])
@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("$ ls\na b\n$ wc -l\n3", "ls\nwc -l"),
        ("$ docker run \\\n    -it x\nhello", "docker run \\\n    -it x"),
        ("$ docker run \\\n>   -it x\nhello", "docker run \\\n  -it x"),
        ("$ cat <<EOF > f\na\n> b\nEOF\nout", "cat <<EOF > f\na\n> b\nEOF"),
        ("$ cat <<-'E'\n\ta\n\tE\nout", "cat <<-'E'\n\ta\n\tE"),
        ('$ psql -c "select\n  1"\n(1 row)', 'psql -c "select\n  1"'),
        ("$ a &&\nb\nout", "a &&\nb"),
        ("$ for x in 1; do\n> echo $x\n> done\n1", "for x in 1; do\necho $x\ndone"),
        ("$ npm run build\n> project@1 build\n> rm -rf dist", "npm run build"),
        ('$ echo "open\nrm -rf /tmp/x', 'echo "open'),
        ("$ echo it\\'s # don't\nout", "echo it\\'s # don't"),
        ("(venv) $ pip install x\nok", "pip install x"),
        ("ann@host:~/app$ ls\nout", "ls"),
        ("[root@host ~]# rm x\nout", "rm x"),
        ("root@host:/# ls", "ls"),
        ("# first\n$ ls", "# first\nls"),
        ("  $ ls\n  out", "ls"),
    ],
)  # fmt: skip
def test_prompts(language: str, text: str, script: str) -> None:
    """Behind a prompt stands a command, with its continuation; what is between is output."""
    block = block_of(text, language, 1)
    assert (block.role, block.script, block.text) == (Role.COMMAND, script, text)


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("oc patch pdb $PDB -n $NS -p '{\"a\":1}'", Role.COMMAND),
        ("VERSION=1 make all\n./run.sh", Role.COMMAND),
        ("kubectl get pods \\\n  --watch", Role.COMMAND),
        ("# systemctl restart nginx", Role.COMMAND),
        ("# Restart the web server", Role.INSTRUCTION),
        ("# rm is dangerous.", Role.INSTRUCTION),
        ("1 drain.go:173] node x: initiating drain", Role.SAMPLE),
        ("Failed calling webhook", Role.SAMPLE),
        ("error: no such pod", Role.SAMPLE),
        ("NAME READY\nweb 1/1", Role.SAMPLE),
        ("ls -l\nTotal: 8", Role.SAMPLE),
        ("total 8\n$ ls", Role.COMMAND),
    ],
)
def test_console_without_prompt(text: str, role: Role) -> None:
    """A console block without prompts is a command only where each of its lines could be one."""
    assert block_of(text, "console", 1).role is role


def test_output_first() -> None:
    """In a block of no language a prompt must come first; in a console it counts wherever it stands."""
    assert block_of("Server: x\n$ ls", "", 1).role is Role.SAMPLE
    assert block_of("Server: x\n$ ls", "console", 1).script == "ls"


def test_reference() -> None:
    """A block is kept, with its script to copy, where the words around it or its first comment ask for it."""
    assert block_of("ls", "bash", 1, is_reference=True).role is Role.REFERENCE
    block = block_of("# Save this command for later\nrm x", "bash", 1)
    assert (block.role, block.script) == (Role.REFERENCE, "# Save this command for later\nrm x")
    assert block_of("rm x\n# Save this command for later", "bash", 1).role is Role.COMMAND
    assert block_of("select 1", "sql", 1, is_reference=True).role is Role.SAMPLE


def test_placeholders() -> None:
    """Only what would run has placeholders that stop it."""
    assert block_of("git tag v<VERSION> X.Y.Z {{name}} YOUR_KEY", "sh", 1).placeholders == (
        "<VERSION>",
        "X.Y.Z",
        "{{name}}",
        "YOUR_KEY",
    )
    assert block_of("sqlite3 a < b > c", "sh", 1).placeholders == ()
    assert block_of("v<VERSION>", "text", 1).placeholders == ()


def test_step_blocks() -> None:
    """Facts are kept as they are written."""
    assert (step_block("id: a", 3).role, step_block("id: a", 3).script) == (Role.STEP, "")


@given(st.text(alphabet="$# \n\\'\"<E>abc|&@:~%)(", max_size=60), st.sampled_from(["", "bash", "console"]))
def test_any_block(text: str, language: str) -> None:
    """No block raises; a script holds only lines of its block, and none of them is new."""
    block = block_of(text, language, 1)
    assert block.text == text
    whole = text.split("\n")
    assert all(any(line.endswith(part) for line in whole) for part in block.script.split("\n"))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ('$ echo "\n' + "x'y z\n" * 200_000, "console"),
        ("$ cat <<E\n" + "x\n" * 200_000, "console"),
        ("ls " * 500_000, "console"),
        ("A=a " * 300_000, "console"),
        (" " * 500_000 + "x", "console"),
        ("$ " * 300_000, ""),
        ("echo <a\n" * 200_000, "bash"),
    ],
    ids=range(7),
)
def test_large_blocks(text: str, language: str) -> None:
    """Megabytes of code cost a moment."""
    begin = time.process_time()
    block_of(text, language, 1)
    assert time.process_time() - begin < 3
