/** A dashboard of a file or of pasted text: ours, or Grafana's. */
import { DashboardError } from '../../../dashboards/json-fields.ts';
import { parseDashboard } from '../../../dashboards/parse-dashboard.ts';
import { type ImportedDashboard, importGrafana, isGrafana } from './grafana/import-grafana.ts';

/** Grafana writes much that is not needed here. */
export const importBytesMax = 5_000_000;

/** Throws {@link DashboardError}. */
export const readImport = (text: string): ImportedDashboard => {
  if (text.trim() === '') throw new DashboardError('there is no text yet');
  if (text.length > importBytesMax) throw new DashboardError(`the text is longer than ${importBytesMax} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DashboardError(`the text is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  return isGrafana(value) ? importGrafana(value) : { dashboard: parseDashboard(value), leftOut: [] };
};
