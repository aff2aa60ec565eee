/** `tidemark/text`: the text formats of Prometheus, for programs that read them. */
export { type ExpositionOptions, parseExposition, type TextSample } from './parse-exposition.ts';
