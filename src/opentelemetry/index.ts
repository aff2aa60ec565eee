/** `tidemark/opentelemetry`: an exporter of OpenTelemetry's metrics SDK that appends to a store in the same process. */
export { TidemarkExporter, type TidemarkExporterOptions } from './tidemark-exporter.ts';
