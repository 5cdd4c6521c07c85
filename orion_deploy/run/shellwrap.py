"""A script runs as its author wrote it, line for line; around it stands a wrapper that sees how it ends.

The shell reads the wrapper from descriptor 9 and the script from descriptor 8, so that no argv holds a word
of either; both are closed before the script's first command. The wrapper notes in the attempt's `facts`
which commands failed in the middle and at which line, whether the script reached its end or left, and the
folder it was in; the variables go to where the supervisor reads and compares them. A script's own traps,
options, `exec` and errors of syntax work as without it. bash 3.2 (macOS) to 5.3, and zsh.

What the author of a script can notice: functions and variables named `__step_...`, `exit` being a function,
and traps of ours until theirs take their place (failures are then no longer noted).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

SCRIPT_FD = 8
WRAPPER_FD = 9
FACTS = "facts"
FAILURES_MAX = 64
"""Failures in the middle of a script that are noted; the same one again and again, in a loop, is noted once."""
COMMAND_CHARACTERS_MAX = 200
BEGINNING = b"exec 8<&-; "
"""Stands on the script's own first line, so that every line keeps its number."""

_OTHERS_CODE = re.compile(
    rb"\bERR\b|\bDEBUG\b|\bRETURN\b|(?:^|[;&|({]|\bthen|\bdo|\belse)[ \t]*(?:source|eval|\.)[ \t]",
    re.MULTILINE,
)
"""A script with traps of its own, or with code that is not in it."""

_BASH = r"""
exec 9<&-
__step_posix=
case :$SHELLOPTS: in *:posix:*) __step_posix=${POSIXLY_CORRECT:-y}; set +o posix ;; esac
__step_failures=0 __step_end= __step_said= __step_options= __step_last= __step_return=0 __step_pipe=(0)
__step_line() {
  local i
  for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
    if [[ ${BASH_SOURCE[i]} == /dev/fd/8 ]]; then
      __step_at=${BASH_LINENO[i-1]}
      return 0
    fi
  done
  __step_at=0
  return 1
}
__step_failed() {
  [[ $BASH_SUBSHELL -eq 0 && -z $__step_end && $__step_failures -lt @FAILURES_MAX@ && $* != "$__step_last" ]] || return 0
  __step_last=$*
  __step_failures=$((__step_failures + 1))
  if [[ ${BASH_SOURCE[1]} == /dev/fd/8 ]]; then __step_at=$2; else __step_line || return 0; fi
  {
    builtin printf 'failed\0%s\0%s\0%s\0' "$1" "$__step_at" "${3:0:@COMMAND_CHARACTERS_MAX@}"
    builtin printf '%s ' "${@:4}"
    builtin printf '\0'
  } >>"$__step_facts"
}
__step_snapshot() {
  {
    builtin printf 'folder\0'
    builtin pwd
    builtin printf '\0'
  } >>"$__step_facts"
  {
    [[ $BASH_VERSION != 3.* ]] || { builtin export -p; builtin printf '\0\n'; }
    builtin declare -p
  } >|"$__step_variables"
}
__step_left() {
  [[ $BASH_SUBSHELL -eq 0 && -z $__step_end$__step_said ]] || return 0
  __step_said=1
  __step_at=0
  [[ $1 != exit ]] || __step_line || :
  builtin printf '%s\0%s\0' "$1" "$__step_at" >>"$__step_facts"
  __step_snapshot
}
exit() {
  { local __step_status=$?; __step_left exit; } 2>/dev/null
  builtin exit "${@-$__step_status}"
}
__step_exit_trap() {
  if __step_line; then
    __step_left left
  else
    __step_finished "$1"
  fi
}
__step_finished() {
  [[ $BASH_SUBSHELL -eq 0 && -z $__step_end ]] || return 0
  __step_end=1
  if [[ $1 -ne 0 && ( $__step_return -gt 255 || $1 -eq 2 ) ]] && ! "$BASH" -n <"$__step_script"; then
    builtin printf 'syntax\0' >>"$__step_facts"
  fi
  {
    builtin printf 'end\0%s\0' "$1"
    builtin printf '%s ' "${__step_pipe[@]}"
    builtin printf '\0'
  } >>"$__step_facts"
  __step_snapshot
}
trap '{ __step_failed "$?" "$LINENO" "$BASH_COMMAND" "${PIPESTATUS[@]}"; } 2>/dev/null' ERR
trap '{ __step_exit_trap "$?"; } 2>/dev/null' EXIT
trap '{ __step_return=$? __step_pipe=("${PIPESTATUS[@]}"); if [[ ${#BASH_SOURCE[@]} -eq 1 ]]; then __step_options=$-; set +euxv; trap - ERR RETURN DEBUG; fi; } 2>/dev/null' RETURN
BASH_ARGV0=bash
@ERRTRACE@
[[ -z $__step_posix ]] || export POSIXLY_CORRECT="$__step_posix"
{
. /dev/fd/8
{ __step_status=$?; __step_finished "$__step_status"; [[ $__step_options == *e* ]] && set -e; [[ $__step_options == *u* ]] && set -u; } 2>/dev/null
builtin exit "$__step_status"
}
"""

_ZSH = r"""
exec 9<&-
zmodload zsh/parameter 2>/dev/null
__step_failures=0 __step_end=
__step_failed() {
  [[ $ZSH_SUBSHELL -eq 0 && -z $__step_end && $__step_failures -lt @FAILURES_MAX@ ]] || return 0
  __step_failures=$((__step_failures + 1))
  builtin printf 'failed\0%s\0%s\0\0%s\0' "$1" "$2" "$3" >>"$__step_facts"
}
__step_note() {
  emulate -L zsh
  [[ $ZSH_SUBSHELL -eq 0 && -z $__step_end ]] || return 0
  __step_end=1
  {
    builtin printf "$@"
    builtin printf 'folder\0%s\n\0' "$PWD"
  } >>"$__step_facts"
  local name
  for name in ${(k)parameters[(R)*export*]}; do
    builtin printf '%s=%s\0' "$name" "${(P)name}"
  done >|"$__step_variables"
}
zshexit() { { __step_note 'left\0%s\0' 0; } 2>/dev/null }
trap '{ __step_failed "$?" "$LINENO" "${pipestatus[*]}"; } 2>/dev/null' ZERR
{
. /dev/fd/8
{ __step_status=$?; __step_note 'end\0%s\0\0' "$__step_status"; } 2>/dev/null
builtin exit "$__step_status"
}
"""


def shell_of(interpreter: tuple[str, ...]) -> str:
    """Return `zsh` or `bash`: the language in which an interpreter's wrapper is written."""
    return "zsh" if os.path.basename(interpreter[0]).startswith("zsh") else "bash"


def as_run(script: bytes) -> bytes:
    """Return the script as a shell can read it: without a byte order mark, with LF for CRLF."""
    return script.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")


def wrapper(script: bytes, shell: str, directory: str, variables: Mapping[str, str]) -> bytes:
    """Return what the shell reads first.

    `directory` is the attempt's folder, `variables` those that earlier scripts set without exporting them.
    The supervisor puts a line before it: `__step_variables`, where to print the variables at the end.
    """
    lines = [
        f"__step_facts={quoted(os.path.join(directory, FACTS))}",
        f"__step_script={quoted(os.path.join(directory, 'script'))}",
    ]
    body = _ZSH if shell == "zsh" else _BASH
    lines += [f"{name}={quoted(value)}" for name, value in variables.items()]
    # A trap that also fires within functions would change when a script's own ERR trap fires.
    body = body.replace("@ERRTRACE@", "" if _OTHERS_CODE.search(script) else "set -E")
    body = body.replace("@FAILURES_MAX@", str(FAILURES_MAX))
    body = body.replace("@COMMAND_CHARACTERS_MAX@", str(COMMAND_CHARACTERS_MAX))
    return ("\n".join(lines) + body).encode("utf-8", "surrogateescape")


def quoted(value: str) -> str:
    """Return a word that every shell reads as `value`."""
    return "'" + value.replace("'", "'\\''") + "'"
