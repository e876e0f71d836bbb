"""Write the completion files of bash, zsh and fish from the option tables of ringfence.cli.

Run it after an option has changed: ``python3 tools/completions.py``. A unit test compares the files with what is
written here.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from ringfence.cli.help import OPTION_LINES, SUBVERB_LINES, VERB_LINES  # noqa: E402 - found through the path set above
from ringfence.cli.options import (  # noqa: E402
    GLOBAL_OPTIONS,
    GROUPS,
    HELP,
    HIDDEN_OPTIONS,
    LIST,
    NUMBERS,
    SUBVERBS,
    SWITCH,
    VERBS,
    WITHOUT_ID,
    Option,
)

CHOICES = {
    "format": ("table", "json"),
    "log-format": ("text", "json"),
    "rootless": ("true", "false", "auto"),
    "driver": ("namespaces", "microvm", "jail"),
    "cpu-idle": ("0", "1"),
    "compress": ("gzip", "zstd", "none"),
    "devices": ("keep", "skip", "refuse"),
    "setuid": ("keep", "strip"),
    "volumes": ("mount", "ignore"),
}
PATHS = frozenset(("FILE", "PATH"))
FOLDER = "DIR"
INSIDE = frozenset((("exec", "cwd"),))
"""Paths inside the container, which the shell cannot complete."""
OF_NONE = ("create", "run", *GROUPS, *WITHOUT_ID)
OF_CONTAINER = tuple(name for name, verb in VERBS.items() if verb.most != 0 and name not in OF_NONE)
"""The commands that take the id of a container that is there."""
COMMANDS = sorted([*VERBS, *SUBVERB_LINES])
"""Every command that has options of its own, those of two words included."""


def shown(verb: str) -> list[Option]:
    """The options of a command, or with "" the global ones, that help texts name."""
    options = (VERBS.get(verb) or SUBVERBS[verb]).options if verb else GLOBAL_OPTIONS
    return [option for option in options if (verb, option[0]) not in HIDDEN_OPTIONS]


def about(verb: str, option: Option) -> tuple[str, str]:
    """The placeholder of an option's value, "" for a switch, and what it does."""
    if option == HELP:
        return "", "print help"
    place, text = OPTION_LINES[verb][option[0]]
    return place, text.format(root="/run/ringfence") if not verb else text


def kind(verb: str, option: Option) -> str:
    """What an option's value is to a shell: ``files``, ``folders``, ``words`` of CHOICES, ``none`` or ``other``."""
    long, _, option_kind = option
    place = about(verb, option)[0]
    if option_kind == SWITCH:
        return "none"
    if not verb and long == "rootless":
        return "words"
    if (verb, long) in INSIDE:
        return "other"
    if place in PATHS or place == FOLDER:
        return "folders" if place == FOLDER else "files"
    return "words" if long in CHOICES else "other"


def spellings(option: Option) -> list[str]:
    """``--bundle`` and ``-b``."""
    long, short, _ = option
    return [f"--{long}", f"-{short}"] if short else [f"--{long}"]


def seconds(group: str) -> list[str]:
    """The words that may follow the first of a group."""
    return [name.partition(" ")[2] for name in SUBVERB_LINES if name.startswith(f"{group} ")]


def quoted(word: str) -> str:
    """A pattern of a shell's case."""
    return f"'{word}'" if " " in word or not word else word


def bash() -> str:
    """The file for bash."""
    return BASH.format(
        skip=" | ".join(word for option in GLOBAL_OPTIONS if option[2] != SWITCH for word in spellings(option)),
        verbs=" ".join(sorted(VERBS)),
        values="\n".join(bash_values()),
        words="\n".join(
            f'    {quoted(verb)}) words="{" ".join(w for o in shown(verb) for w in spellings(o))}" ;;'
            for verb in ["", *COMMANDS]
        ),
        with_id=" | ".join(sorted(OF_CONTAINER)),
        groups=" | ".join(GROUPS),
        seconds="\n".join(f"        {name}) words='{' '.join(seconds(name))}' ;;" for name in GROUPS),
        with_file=" | ".join((*WITHOUT_ID, "'image inspect'")),
    )


def bash_values() -> list[str]:
    """One branch for each way to complete a value."""
    found: dict[str, list[str]] = {}
    for verb in ["", *COMMANDS]:
        for option in shown(verb):
            action = bash_action(verb, option)
            words = [quoted(f"{verb}:{word}") for word in spellings(option)]
            found.setdefault(action, []).extend(words if action else [])
    return [
        f"    {' | '.join(words)})\n        {action}\n        return ;;" for action, words in found.items() if action
    ]


def bash_action(verb: str, option: Option) -> str:
    """The command that completes an option's value; "" for a switch."""
    actions = {
        "none": "",
        "other": "COMPREPLY=()",
        "files": 'mapfile -t COMPREPLY < <(compgen -f -- "$word")',
        "folders": 'mapfile -t COMPREPLY < <(compgen -d -- "$word")',
        "words": f'mapfile -t COMPREPLY < <(compgen -W "{" ".join(CHOICES.get(option[0], ()))}" -- "$word")',
    }
    return actions[kind(verb, option)]


BASH = """\
# Completion of ringfence for bash, written by tools/completions.py.

_ringfence() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} verb='' root=() words i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${{COMP_WORDS[i]}} in
        --root) root=(--root "${{COMP_WORDS[++i]}}") ;;
        {skip}) ((i++)) ;;
        -*) ;;
        *)
            verb=${{COMP_WORDS[i]}}
            case $verb in
            {groups}) ((i + 1 < COMP_CWORD)) && verb+=" ${{COMP_WORDS[i + 1]}}" ;;
            esac
            break
            ;;
        esac
    done
    case $verb:$before in
{values}
    esac
    case $verb in
{words}
    *) return ;;
    esac
    if [[ $word != -* ]]; then
        case $verb in
        '') words='{verbs} help' ;;
        {with_id})
            words=$("${{COMP_WORDS[0]}}" "${{root[@]}}" list --quiet 2>/dev/null) ;;
{seconds}
        {with_file})
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return ;;
        *) words='' ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -F _ringfence ringfence
"""


def zsh() -> str:
    """The file for zsh."""
    verbs = "\n".join(f"        '{name}:{zsh_text(VERB_LINES[name])}'" for name in sorted(VERBS))
    branches = "\n".join(f"    {name})\n        {zsh_branch(name)} ;;" for name in sorted(VERBS))
    return ZSH.format(options=" \\\n        ".join(zsh_options("")), verbs=verbs, branches=branches)


def zsh_branch(verb: str) -> str:
    """What completes the words of one command, or of those of its group."""
    if verb not in GROUPS:
        return zsh_arguments(verb)
    inner = "\n".join(f"            {word}) {zsh_arguments(f'{verb} {word}')} ;;" for word in seconds(verb))
    return (
        f"if ((CURRENT == 2)); then\n            compadd {' '.join(seconds(verb))}\n        else\n"
        f"            shift words\n            ((CURRENT--))\n            case $words[1] in\n{inner}\n"
        "            esac\n        fi"
    )


def zsh_arguments(verb: str) -> str:
    """The call that completes the words of one command."""
    words = zsh_options(verb)
    if verb in OF_CONTAINER:
        words.append("'1:container:_ringfence_containers'")
    if verb in (*WITHOUT_ID, "image inspect"):
        words.append("'*:file:_files'")
    return "_arguments " + " \\\n            ".join(words)


def zsh_options(verb: str) -> list[str]:
    """One specification of _arguments for each option."""
    found = []
    for option in shown(verb):
        place, text = about(verb, option)
        actions = {
            "none": "",
            "other": f":{place}:",
            "files": f":{place}:_files",
            "folders": f":{place}:_files -/",
            "words": f":{place}:({' '.join(CHOICES.get(option[0], ()))})",
        }
        rest = f"'[{zsh_text(text)}]{zsh_place(actions[kind(verb, option)])}'"
        words = spellings(option)
        exclusive = "*" if option[2] in (LIST, NUMBERS) else f"({' '.join(words)})"
        start = f"'{exclusive}'" + (f"{{{','.join(words)}}}" if len(words) > 1 else words[0])
        found.append(start + rest)
    return found


def zsh_text(text: str) -> str:
    """A description inside single quotes and brackets."""
    return text.replace("'", "'\\''").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def zsh_place(text: str) -> str:
    """A placeholder such as UID[:GID], whose colon would end it."""
    escaped = text.replace("[:GID]", "[\\:GID]").replace("[CTL:]", "[CTL\\:]")
    return escaped.replace("C:H:N", "C\\:H\\:N")


ZSH = """\
#compdef ringfence
# Completion of ringfence for zsh, written by tools/completions.py.

_ringfence_containers() {{
    local -a ids
    ids=(${{(f)"$(_call_program containers $service ${{opt_args[--root]:+--root $opt_args[--root]}} list --quiet \
2>/dev/null)"}})
    compadd -a ids
}}

_ringfence() {{
    local curcontext=$curcontext state line
    local -A opt_args
    local -a verbs
    verbs=(
{verbs}
        'help:print help'
    )
    _arguments -C \\
        {options} \\
        '1:command:->verb' '*::word:->words'
    case $state in
    verb) _describe command verbs ;;
    words) _ringfence_words ;;
    esac
}}

_ringfence_words() {{
    case $words[1] in
{branches}
    help) _describe command verbs ;;
    esac
}}

_ringfence "$@"
"""


def fish() -> str:
    """The file for fish."""
    lines = [FISH.rstrip("\n")]
    lines += [fish_option("", option, "__fish_use_subcommand") for option in shown("")]
    for name in sorted(VERBS):
        lines.append(f"complete -c ringfence -n __fish_use_subcommand -a {name} -d {fish_text(VERB_LINES[name])}")
        condition = f"'__fish_seen_subcommand_from {name}'"
        lines += [fish_option(name, option, condition) for option in shown(name)]
        if name in OF_CONTAINER:
            lines.append(f"complete -c ringfence -n {condition} -a '(__ringfence_containers)'")
        if name in GROUPS:
            lines += fish_group(name)
        if name in WITHOUT_ID:
            lines.append(f"complete -c ringfence -n {condition} -F")
    return "\n".join(lines) + "\n"


def fish_group(group: str) -> list[str]:
    """The lines for the commands of a group."""
    lines, words = [], seconds(group)
    for word in words:
        name = f"{group} {word}"
        before = f"'__fish_seen_subcommand_from {group}; and not __fish_seen_subcommand_from {' '.join(words)}'"
        lines.append(f"complete -c ringfence -n {before} -a {word} -d {fish_text(SUBVERB_LINES[name])}")
        condition = f"'__fish_seen_subcommand_from {group}; and __fish_seen_subcommand_from {word}'"
        lines += [fish_option(name, option, condition) for option in shown(name)]
        if name == "image inspect":
            lines.append(f"complete -c ringfence -n {condition} -F")
    return lines


def fish_option(verb: str, option: Option, condition: str) -> str:
    """The line for one option."""
    long, short, _ = option
    values = {
        "none": "",
        "other": " -x",
        "files": " -r -F",
        "folders": " -x -a '(__fish_complete_directories)'",
        "words": f" -x -a '{' '.join(CHOICES.get(long, ()))}'",
    }
    names = (f" -s {short}" if short else "") + f" -l {long}"
    text = about(verb, option)[1]
    return f"complete -c ringfence -n {condition}{names}{values[kind(verb, option)]} -d {fish_text(text)}"


def fish_text(text: str) -> str:
    """A text in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


FISH = """\
# Completion of ringfence for fish, written by tools/completions.py.

function __ringfence_containers
    set -l words (commandline -opc)
    set -l root
    if set -l place (contains -i -- --root $words)
        set root --root $words[(math $place + 1)]
    end
    $words[1] $root list --quiet 2>/dev/null
end

complete -c ringfence -f
"""

FILES = {"ringfence.bash": bash, "_ringfence": zsh, "ringfence.fish": fish}

if __name__ == "__main__":
    for name, made in FILES.items():
        (ROOT / "completions" / name).write_text(made())
