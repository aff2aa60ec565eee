/** `tidemark machines`: the store's statecharts, as Mermaid diagrams, as JSON, or as code for the XState tools. */
import { exitCodes } from '../exit-codes.ts';
import { textOption, type Verb } from '../verb.ts';

export const machines: Verb = {
  name: 'machines',
  summary: 'Print the statecharts of a series, of the store and of a forwarding.',
  positionals: [
    {
      name: 'MACHINE',
      required: false,
      summary: 'series, store or forward. Default: all.',
      choices: ['series', 'store', 'forward'],
    },
  ],
  options: {
    format: {
      type: 'string',
      placeholder: 'FORMAT',
      summary: 'mermaid (default); json: the configuration; js: one createMachine call, which the XState tools open.',
      choices: ['mermaid', 'json', 'js'],
    },
  },
  notes: [],
  examples: ['tidemark machines series', 'tidemark machines store --format js > store.js'],

  async run({ positionals: [name], options, terminal: { out }, library }) {
    const { machines: all, machineToJs, machineToJson, machineToMermaid } = await library();
    const chosen = Object.entries(all).filter(([key]) => name === undefined || key === name);
    const format = textOption(options, 'format');
    if (format === 'js') {
      await out.write(`${machineToJs(...chosen.map(([, machine]) => machine))}\n`);
      return exitCodes.ok;
    }
    if (format === 'json') {
      const [first] = chosen;
      const shown =
        name === undefined
          ? Object.fromEntries(chosen.map(([key, machine]) => [key, machineToJson(machine)]))
          : machineToJson(first[1]);
      await out.write(`${JSON.stringify(shown, null, 2)}\n`);
      return exitCodes.ok;
    }
    await out.write(chosen.map(([key, machine]) => `%% ${key}\n${machineToMermaid(machine)}`).join('\n'));
    return exitCodes.ok;
  },
};
