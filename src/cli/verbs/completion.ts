/**
 * `tidemark completion`: scripts with which bash and zsh complete verbs, options and values. Generated from the verbs.
 */
import { exitCodes } from '../exit-codes.ts';
import type { OptionSpec, Verb } from '../verb.ts';

const optionWords = (verb: Verb): string => [...Object.keys(verb.options), 'help'].map((name) => `--${name}`).join(' ');

const bashChoices = (verb: Verb): string =>
  Object.entries(verb.options)
    .filter(([, { choices }]) => choices !== undefined)
    .map(([name, { choices }]) => `    ${verb.name}:--${name}) words="${choices!.join(' ')}" ;;\n`)
    .join('');

const bashFiles = ({ name, positionals }: Verb): string =>
  positionals.some(({ completes }) => completes === 'file')
    ? `    ${name}:*)\n      compopt -o filenames 2>/dev/null\n      COMPREPLY=($(compgen -f -- "$current"))\n      return ;;\n`
    : '';

const bash = (verbs: readonly Verb[]): string => `# bash completion for tidemark; load it with:
#   source <(tidemark completion bash)
_tidemark() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} verb=\${COMP_WORDS[1]} words=""
  if ((COMP_CWORD == 1)); then
    words="${verbs.map(({ name }) => name).join(' ')} --help --version"
  elif [[ $current == -* ]]; then
    case $verb in
${verbs.map((verb) => `      ${verb.name}) words="${optionWords(verb)}" ;;`).join('\n')}
    esac
  else
    case $verb:$previous in
${verbs.map(bashChoices).join('')}${verbs
  .flatMap(({ name, positionals }) =>
    positionals.flatMap(({ choices }) => (choices ? [`    ${name}:${name}) words="${choices.join(' ')}" ;;\n`] : [])),
  )
  .join('')}${verbs.map(bashFiles).join('')}    *)
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -d -- "$current"))
      return ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _tidemark tidemark
`;

/** Text for a single-quoted zsh word, in which brackets and colons have a special meaning. */
const zshText = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&').replace(/'/g, "'\\''");

const zshOption = (name: string, { type, summary, placeholder, choices, repeatable }: OptionSpec): string => {
  const value = choices === undefined ? ':' : `:(${choices.join(' ')})`;
  const argument = type === 'boolean' ? '' : `:${zshText(placeholder ?? 'text')}${value}`;
  return `'${repeatable === true ? '*' : ''}--${name}[${zshText(summary)}]${argument}'`;
};

const zshPaths = (completes: 'directory' | 'file' | undefined): string =>
  completes === undefined ? '' : completes === 'directory' ? '_files -/' : '_files';

const zshPositionals = (verb: Verb): string[] =>
  verb.positionals.map(({ name, completes, choices, repeatable }, i) => {
    const values = choices === undefined ? zshPaths(completes) : `(${choices.join(' ')})`;
    return `'${repeatable === true ? '*' : i + 1}:${zshText(name)}:${values}'`;
  });

const zsh = (verbs: readonly Verb[]): string => `#compdef tidemark
# zsh completion for tidemark; load it after compinit with:
#   source <(tidemark completion zsh)
_tidemark() {
  local -a verbs=(
${verbs.map(({ name, summary }) => `    '${name}:${zshText(summary)}'`).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe verb verbs
    return
  fi
  local verb=\${words[2]}
  shift words
  ((CURRENT--))
  case $verb in
${verbs
  .map((verb) => {
    const specs = [
      ...Object.entries(verb.options).map(([name, spec]) => zshOption(name, spec)),
      "'--help[Print the help of this verb.]'",
      ...zshPositionals(verb),
    ];
    return `    ${verb.name})\n      _arguments \\\n        ${specs.join(' \\\n        ')}\n      ;;`;
  })
  .join('\n')}
  esac
}
compdef _tidemark tidemark
`;

/** Creates the verb. The scripts complete the other verbs and this one. */
export const createCompletion = (others: readonly Verb[]): Verb => {
  const completion: Verb = {
    name: 'completion',
    summary: 'Print a script that completes tidemark in bash or zsh.',
    positionals: [{ name: 'SHELL', required: true, summary: 'bash or zsh.', choices: ['bash', 'zsh'] }],
    options: {},
    notes: [],
    examples: ['source <(tidemark completion bash)', 'source <(tidemark completion zsh)   # after compinit'],

    async run({ positionals: [shell], terminal }) {
      const verbs = [...others, completion];
      await terminal.out.write(shell === 'bash' ? bash(verbs) : zsh(verbs));
      return exitCodes.ok;
    },
  };
  return completion;
};
