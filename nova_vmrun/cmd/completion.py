#    Licensed under the Apache License, Version 2.0 (the "License"); you may
#    not use this file except in compliance with the License. You may obtain
#    a copy of the License at
#
#         http://www.apache.org/licenses/LICENSE-2.0
#
#    Unless required by applicable law or agreed to in writing, software
#    distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
#    WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
#    License for the specific language governing permissions and limitations
#    under the License.

"""Scripts that complete our commands in bash, zsh and fish."""

import argparse
from collections.abc import Callable, Iterable, Sequence
import dataclasses
import shlex

# Attribute of an argument: values that it may have, among others.
_SUGGESTIONS = 'suggestions'


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of a command.

    :ivar flags: all of its spellings
    :ivar values: what can follow it; empty: anything
    """

    flags: tuple[str, ...]
    about: str
    takes_value: bool
    values: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Command:
    """A command, or a group of commands.

    :ivar name: its words, with blanks between them
    :ivar words: what can follow it, and what that is about
    :ivar is_group: whether only a command can follow it
    """

    name: str
    about: str
    options: tuple[Option, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    is_group: bool = False


def suggest(argument: argparse.Action, values: Iterable[str]) -> None:
    """Offer values of an argument, which may have others, too."""
    setattr(argument, _SUGGESTIONS, tuple(values))


def describe(name: str, about: str,
             parser: argparse.ArgumentParser) -> Command:
    """Return what can be completed after a command.

    :param about: one line
    """
    options = []
    words: list[tuple[str, str]] = []
    for action in parser._actions:
        offered = action.choices or getattr(action, _SUGGESTIONS, ())
        values = tuple(str(value) for value in offered or ())
        if action.option_strings:
            options.append(Option(
                tuple(action.option_strings), _one_line(action.help),
                action.nargs != 0, values))
        else:
            words += [(value, '') for value in values]
    return Command(name, _one_line(about), tuple(options), tuple(words))


def tree(commands: Sequence[Command]) -> list[Command]:
    """Return all commands, and the groups and the program that lead there."""
    found = {command.name: command for command in commands}
    for command in commands:
        words = command.name.split()
        for length in range(len(words)):
            group = ' '.join(words[:length])
            parent = dataclasses.replace(
                found.get(group, Command(group, '')), is_group=True)
            word = words[length]
            about = command.about if length == len(words) - 1 else ''
            if word not in [known for known, _ in parent.words]:
                found[group] = dataclasses.replace(
                    parent, words=(*parent.words, (word, about)))
    return sorted(found.values(), key=lambda command: command.name)


def _one_line(text: str | None) -> str:
    """Return the first sentence of a help text."""
    words = ' '.join((text or '').replace('%%', '%').split())
    return words.partition('. ')[0].partition(' (default')[0].rstrip('.')


# -- bash ---------------------------------------------------------------------

_BASH = r'''# Completion of nova-vmrun in bash. Put it into
# ~/.local/share/bash-completion/completions/nova-vmrun
_nova_vmrun() {
  local command= current=${COMP_WORDS[COMP_CWORD]} i
  local previous=${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${command:+$command }${COMP_WORDS[i]}" in
      %(commands)s) command="${command:+$command }${COMP_WORDS[i]}" ;;
      -*) ;;
      *) break ;;
    esac
  done
  case "$command $previous" in
%(values)s
  esac
  case "$command" in
%(words)s
  esac
}
complete -o bashdefault -o default -F _nova_vmrun nova-vmrun
'''


def bash(commands: Sequence[Command]) -> str:
    """Return the script for bash; it needs no other package."""
    words = []
    for command in commands:
        flags = ' '.join(flag for option in command.options
                         for flag in option.flags)
        others = ' '.join(word for word, _ in command.words)
        words.append('    %s)\n      %s\n      %s ;;' % (
            shlex.quote(command.name),
            'if [[ $current == -* ]]; then %s' % _reply(flags),
            'else %s; fi' % _reply(others)))
    return _BASH % {'commands': _patterns(commands),
                    'values': _values(commands, _reply),
                    'words': '\n'.join(words)}


def _reply(words: str) -> str:
    return 'COMPREPLY=($(compgen -W %s -- "$current"))' % shlex.quote(words)


def _patterns(commands: Sequence[Command]) -> str:
    return '|'.join(shlex.quote(command.name)
                    for command in commands if command.name)


def _values(commands: Sequence[Command],
            reply: Callable[[str], str]) -> str:
    """Return the branches for what follows an option.

    Where that may be anything, the shell completes the name of a file.

    :param reply: returns the command that offers words
    """
    lines = []
    for command in commands:
        for option in command.options:
            if option.takes_value:
                patterns = '|'.join(
                    shlex.quote('%s %s' % (command.name, flag))
                    for flag in option.flags)
                lines.append('    %s) %s; return ;;' % (
                    patterns, reply(' '.join(option.values))
                    if option.values else reply('')))
    return '\n'.join(lines)


# -- zsh ----------------------------------------------------------------------

_ZSH = r'''#compdef nova-vmrun
# Completion of nova-vmrun in zsh. Put it into a file _nova-vmrun in a folder
# of $fpath.
_nova_vmrun() {
  local command= current=$words[CURRENT] previous=$words[CURRENT-1] i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    case "${command:+$command }$words[i]" in
      %(commands)s) command="${command:+$command }$words[i]" ;;
      -*) ;;
      *) break ;;
    esac
  done
  case "$command $previous" in
%(values)s
  esac
  case "$command" in
%(words)s
  esac
  if (( $#found )); then _describe 'nova-vmrun' found; else _files; fi
}
if [[ $funcstack[1] == _nova-vmrun ]]; then
  _nova_vmrun "$@"
else
  compdef _nova_vmrun nova-vmrun
fi
'''


def zsh(commands: Sequence[Command]) -> str:
    """Return the script for zsh."""
    words = []
    for command in commands:
        flags = [(flag, option.about) for option in command.options
                 for flag in option.flags]
        words.append(
            '    %s)\n      if [[ $current == -* ]]; then found=(%s)\n'
            '      else found=(%s); fi ;;' % (
                shlex.quote(command.name), _described(flags),
                _described(command.words)))
    return _ZSH % {'commands': _patterns(commands),
                   'values': _values(commands, _add),
                   'words': '\n'.join(words)}


def _add(words: str) -> str:
    return 'compadd -- ' + words if words else '_files'


def _described(pairs: Iterable[tuple[str, str]]) -> str:
    return ' '.join(shlex.quote(
        '%s:%s' % (word, about) if about else word)
        for word, about in pairs)


# -- fish ---------------------------------------------------------------------

_FISH = r'''# Completion of nova-vmrun in fish. Put it into
# ~/.config/fish/completions/nova-vmrun.fish
function __nova_vmrun_at
  set --local command
  for word in (commandline --tokenize --current-process --cut-at-cursor)[2..-1]
    switch (string join ' ' -- $command $word)
      case %(commands)s
        set command $command $word
      case '-*'
        continue
      case '*'
        break
    end
  end
  test (string join ' ' -- $command | string collect --allow-empty) = "$argv"
end
'''


def fish(commands: Sequence[Command]) -> str:
    """Return the script for fish."""
    lines = [_FISH % {'commands': _patterns(commands).replace('|', ' ')}]
    for command in commands:
        start = 'complete --command nova-vmrun --condition %s' % _quote(
            '__nova_vmrun_at %s' % _quote(command.name))
        if command.is_group:
            lines.append(start + ' --no-files')
        for word, about in command.words:
            lines.append('%s --arguments %s%s' % (
                start, _quote(word), _about(about)))
        for option in command.options:
            flags = ' '.join(
                '--long-option ' + flag[2:] if flag.startswith('--') else
                '--short-option ' + flag[1:] for flag in option.flags)
            value = ''
            if option.values:
                value = ' --exclusive --arguments %s' % _quote(
                    ' '.join(option.values))
            elif option.takes_value:
                value = ' --require-parameter --force-files'
            lines.append('%s %s%s%s' % (start, flags, value,
                                        _about(option.about)))
    return '\n'.join(lines) + '\n'


def _about(text: str) -> str:
    return ' --description ' + _quote(text) if text else ''


def _quote(text: str) -> str:
    return "'%s'" % text.replace('\\', '\\\\').replace("'", "\\'")


SCRIPTS: dict[str, Callable[[Sequence[Command]], str]] = {
    'bash': bash, 'zsh': zsh, 'fish': fish}
