/** The pages get uPlot from the server at this path; its types are those of the package. */
declare module '*/uPlot.esm.js' {
  export { default } from 'uplot';
}
