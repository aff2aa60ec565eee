/** Templates of labels and annotations: what they can name, and their expansion for one series of a rule's result. */
import type { Labels } from '../../model/labels.ts';
import { executeTemplate } from './execute-template.ts';
import { type TemplateSurroundings, templateFunctionNames } from './template-functions.ts';
import type { ParsedTemplate } from './template-nodes.ts';
import { parseTemplate } from './template-parser.ts';
import { labelsValue, type TemplateValue } from './template-values.ts';

const variables = ['$labels', '$externalLabels', '$externalURL', '$value'] as const;

/** A text of a rule: a template, or a plain text, which needs no execution. */
export type AlertTemplate = { readonly plain: string } | { readonly parsed: ParsedTemplate };

/** Parses the text of a label or an annotation. Throws `TemplateError`. */
export const alertTemplate = (text: string): AlertTemplate =>
  text.includes('{{')
    ? { parsed: parseTemplate(text, { functions: templateFunctionNames, variables }) }
    : { plain: text };

export interface AlertTemplateData {
  readonly labels: Labels;
  readonly externalLabels: Labels;
  readonly value: number;
  readonly surroundings: TemplateSurroundings;
  readonly breathe?: (() => Promise<void>) | undefined;
}

/** The text of the template for one series. Throws `TemplateError`, and the errors of queries. */
export const expandAlertTemplate = async (template: AlertTemplate, data: AlertTemplateData): Promise<string> => {
  if ('plain' in template) return template.plain;
  const { labels, externalLabels, value, surroundings, breathe } = data;
  const fields: Readonly<Record<string, TemplateValue>> = {
    Labels: labelsValue(labels),
    ExternalLabels: labelsValue(externalLabels),
    ExternalURL: surroundings.externalUrl,
    Value: value,
  };
  return executeTemplate(template.parsed, {
    dot: { kind: 'struct', fields },
    variables: {
      $labels: fields['Labels'],
      $externalLabels: fields['ExternalLabels'],
      $externalURL: fields['ExternalURL'],
      $value: fields['Value'],
    },
    surroundings,
    breathe,
  });
};
