/**
 * What shells are given so that they complete the command line.
 *
 * Invariant: what was typed so far is passed on as arguments and never evaluated; the words come from `completion.ts`.
 */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Has the shell complete the path of a file. */
export const filesAnswer = ':files';

const bash = `# perennial's completion for bash:  source <(perennial completion bash)
_perennial() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == ${filesAnswer} ]]; then
      compopt -o default
      return
    fi
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(perennial __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _perennial perennial
`;

const zsh = `#compdef perennial
# perennial's completion for zsh:  source <(perennial completion zsh), after compinit
_perennial() {
  local line
  local -a found
  for line in "\${(@f)$(perennial __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == ${filesAnswer} ]]; then
      _files
      return
    fi
    [[ -n $line ]] && found+=("\${line/$'\\t'/:}")
  done
  _describe perennial found
}
if [[ \${funcstack[1]} == _perennial ]]; then
  _perennial "$@"
else
  compdef _perennial perennial
fi
`;

const fish = `# perennial's completion for fish:  perennial completion fish | source
function __perennial_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l found (perennial __complete $before[2..-1] "$current" 2>/dev/null)
    if test "$found[1]" = ${filesAnswer}
        __fish_complete_path "$current"
    else
        printf '%s\\n' $found
    end
end
complete -c perennial -f -a '(__perennial_complete)'
`;

const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };

/** Returns the script for a shell to source. */
export function completionScript(shell: Shell): string {
  return scripts[shell];
}
