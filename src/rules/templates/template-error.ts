/** What is wrong with a template: its text when it is parsed, or its execution. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}
