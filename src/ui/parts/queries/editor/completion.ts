/** Completion of PromQL from the store's endpoints, with names quoted that are not plain identifiers. */
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { type CompleteStrategy, newCompleteStrategy } from '@prometheus-io/codemirror-promql';
import { formatLabels } from '../../text/series-names.ts';

/** How many metrics get their help beside them. */
const metadataMax = 10_000;

/** What to insert for an offered text: of a metric with any characters, the quoted form. */
const insertable = (option: Completion): Completion =>
  option.type === 'constant' && !/^[a-zA-Z_:][\w:]*$/.test(option.label)
    ? { ...option, apply: formatLabels({ __name__: option.label }) }
    : option;

/** Asks the server at this address, which has no slash at its end or is empty. */
export const completionFor = (address: string): CompleteStrategy => {
  const url = address.replace(/\/$/, '');
  const inner = newCompleteStrategy({ remote: { url, httpMethod: 'GET' }, maxMetricsMetadata: metadataMax });
  return {
    promQL: async (context: CompletionContext): Promise<CompletionResult | null> => {
      const result = await inner.promQL(context);
      // An answer that comes when the field was left would open its list over other controls.
      return result === null || context.view?.hasFocus === false
        ? null
        : { ...result, options: result.options.map(insertable) };
    },
    destroy: () => inner.destroy?.(),
  };
};
