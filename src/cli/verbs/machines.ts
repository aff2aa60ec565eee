/** `tidemark machines`: the statecharts that the store runs on, as Mermaid diagrams or as JSON for the XState tools. */
import { exitCodes } from '../exit-codes.ts';
import { textOption, type Verb } from '../verb.ts';

export const machines: Verb = {
  name: 'machines',
  summary: 'Print the statecharts of a series and of the store.',
  positionals: [],
  options: {
    format: {
      type: 'string',
      placeholder: 'FORMAT',
      summary: 'mermaid (default) or json; json opens in the XState visualizer.',
      choices: ['mermaid', 'json'],
    },
  },
  notes: [],
  examples: ['tidemark machines', 'tidemark machines --format json > machines.json'],

  async run({ options, terminal, engine }) {
    const { machinesToJson, machinesToMermaid } = await engine();
    const text = textOption(options, 'format') === 'json' ? machinesToJson() : machinesToMermaid();
    await terminal.out.write(text.endsWith('\n') ? text : `${text}\n`);
    return exitCodes.ok;
  },
};
