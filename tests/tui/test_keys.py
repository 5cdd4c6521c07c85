"""The registry of actions, a person's own keys, the key bar, and keys that come too early."""

from __future__ import annotations

from orion_deploy.tui.acting import Acting
from orion_deploy.tui.chrome import bar_keys
from orion_deploy.tui.keys import ACTIONS, BY_ID, GROUPS, check_keymap, is_key, key_name
from orion_deploy.tui.lines import text_of, width_of
from orion_deploy.tui.patience import Patience
from orion_deploy.tui.screens.help import help_lines


def test_every_action_can_be_done_and_has_one_place() -> None:
    """Each action of the registry has its method, a group of the help, and keys that no other action has."""
    seen: dict[str, str] = {}
    for action in ACTIONS:
        assert callable(getattr(Acting, f"do_{action.id}", None)), action.id
        assert action.group in GROUPS
        for key in action.keys:
            assert is_key(_written(key)), key
            assert key not in seen, f"{key}: {seen.get(key)} and {action.id}"
            seen[key] = action.id


def _written(key: str) -> str:
    return {"slash": "/", "question_mark": "?"}.get(key, key)


def test_the_help_names_every_action() -> None:
    """Whoever reads the help has read everything that can be done."""
    text = "\n".join(text_of(row) for row in help_lines({}, 200))
    for action in ACTIONS:
        assert action.help in text
        assert key_name(action.keys[0]) in text


def test_a_keymap_takes_what_is_sound() -> None:
    """A person's own keys replace the action's, also several of them."""
    assert check_keymap({"tick": "t,T", "choose": "ctrl+t"}) == ({"tick": "t,T", "choose": "ctrl+t"}, [])


def test_a_keymap_with_faults_says_each_of_them() -> None:
    """An unknown action, a key that is none, and a key that is taken are refused by name; nothing is unbound."""
    good, faults = check_keymap({"tik": "t", "skip": "strg+s", "note": "s", "copy": 3, "help": "f1"})
    assert good == {"help": "f1"}
    assert len(faults) == 4
    assert "did you mean `tick`?" in faults[0]
    assert "`strg+s`" in faults[1]
    assert any("`note` and `skip`" in fault for fault in faults)


def test_the_key_bar_fits_and_keeps_the_most_needed() -> None:
    """In any width the bar fits, and run, tick, help and leave are the last to go."""
    for width in (40, 60, 80, 120, 200):
        keys = bar_keys(width, {}, lambda _action: "")
        assert width_of([span for _, spans in keys for span in spans]) <= width
        assert {"run", "tick", "help"} <= {action for action, _ in keys}
    assert "leave" in {action for action, _ in bar_keys(60, {}, lambda _action: "")}


def test_keys_that_are_off_are_grey_and_in_place() -> None:
    """A disabled key is not hidden: only its role differs."""
    on = bar_keys(120, {}, lambda _action: "")
    off = bar_keys(120, {}, lambda action: "why" if action == "skip" else "")
    assert [action for action, _ in on] == [action for action, _ in off]
    assert dict(off)["skip"][0].role == "key.off"
    assert dict(on)["skip"][0].role == "key"


def test_the_key_bar_shows_a_persons_own_key() -> None:
    """What is shown is what works."""
    assert text_of(dict(bar_keys(120, {"tick": "t"}, lambda _action: ""))["tick"]).strip() == "t tick"


def test_bindings_and_registry_are_the_same() -> None:
    """The main screen binds every action under its id, so that a keymap finds it."""
    from orion_deploy.tui.screens.main import MainScreen

    bound = {binding.id for binding in MainScreen.BINDINGS if not isinstance(binding, tuple)}
    assert bound == set(BY_ID)


def test_keys_typed_before_the_screen_was_seen_do_not_count() -> None:
    """Before its first paint, and for its window after it, a screen takes nothing."""
    now = [100.0]
    patience = Patience(window_s=0.3, clock=lambda: now[0])
    assert patience.refuses(1e12)
    patience.shown()
    assert patience.refuses(99.0)
    assert patience.refuses(100.29)
    assert not patience.refuses(100.31)
    now[0] = 200.0
    patience.shown()
    assert not patience.refuses(150.0)


def test_a_held_key_acts_once() -> None:
    """The repeats of a key, and what is typed while the screen changes by itself, do not act."""
    now = [100.0]
    patience = Patience(window_s=0.3, clock=lambda: now[0])
    patience.shown()
    assert patience.accepts_again(101.0)
    assert not any(patience.accepts_again(101.0 + n / 30) for n in range(1, 60))
    assert patience.accepts_again(103.5)
    now[0] = 110.0
    patience.hold()
    assert not patience.accepts_again(110.2)
    assert not patience.refuses(110.2)
    assert patience.accepts_again(110.6)
