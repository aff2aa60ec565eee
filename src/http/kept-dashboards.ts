/** The dashboards of a store: those in its directory, and those that come with the product. */
import { createHash } from 'node:crypto';
import {
  type Dashboard,
  dashboardLimits,
  idPattern,
  idRule,
  type KeptDashboard,
  type ListedDashboard,
} from '../dashboards/dashboard.ts';
import { DashboardError } from '../dashboards/json-fields.ts';
import { dashboardText, parseDashboardText } from '../dashboards/parse-dashboard.ts';
import { readyMade } from '../dashboards/ready-made/ready-made.ts';
import { DASHBOARDS_FOLDER, type DashboardFiles } from '../disk/dashboard-files.ts';
import { codeOf, messageOf } from '../text/error-text.ts';
import { quoteParam } from './params.ts';
import { badData, HttpError } from './reply.ts';

const revisionOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64url').slice(0, 22);

const checkId = (id: string): void => {
  if (!idPattern.test(id)) throw badData(`${quoteParam(id)} is no id of a dashboard; allowed: ${idRule}.`);
};

const unsaved = (error: unknown): unknown => {
  const code = codeOf(error);
  if (code !== 'TIDEMARK_DISK_FULL' && code !== 'TIDEMARK_IO') return error;
  const why = code === 'TIDEMARK_DISK_FULL' ? 'the disk is full' : messageOf(error);
  return new HttpError(503, 'unavailable', `The dashboards are as they were: ${why}.`);
};

export class KeptDashboards {
  private readonly files: DashboardFiles;
  private readonly isReadOnly: boolean;
  /** The last change. Changes happen one after the other, so that a revision is compared with what is there. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(files: DashboardFiles, isReadOnly: boolean) {
    this.files = files;
    this.isReadOnly = isReadOnly;
  }

  /** All of them, the ready-made ones first. A file that can't be shown is listed with the reason. */
  async list(breathe: () => Promise<void>): Promise<ListedDashboard[]> {
    const listed: ListedDashboard[] = [...readyMade].map(([id, { title, panels }]) => ({
      id,
      title,
      readyMade: true,
      panels: panels.length,
    }));
    for (const id of this.files.ids()) {
      listed.push(this.listed(id));
      await breathe();
    }
    return listed;
  }

  /** Throws 404 if there is none, and 422 if the file is damaged. */
  get(id: string): KeptDashboard {
    checkId(id);
    const given = readyMade.get(id);
    if (given !== undefined) return { id, readyMade: true, revision: 'ready-made', dashboard: given };
    const bytes = this.bytesOf(id);
    if (bytes === undefined)
      throw new HttpError(404, 'not_found', `There is no dashboard ${id}; /ui/dashboards lists them.`);
    try {
      return { id, readyMade: false, revision: revisionOf(bytes), dashboard: this.parse(bytes) };
    } catch (error) {
      if (!(error instanceof DashboardError)) throw error;
      throw new HttpError(422, 'bad_data', `${DASHBOARDS_FOLDER}/${id}.json can't be shown: ${error.message}.`);
    }
  }

  /**
   * Keeps a dashboard, durably. `revision`: what is replaced; empty for a new one; `undefined` to replace whatever is
   * there. Returns the new revision. Throws 403, 409 and 503.
   */
  put(id: string, dashboard: Dashboard, revision: string | undefined): Promise<string> {
    return this.inTurn(id, 'replaced', async () => {
      const found = this.bytesOf(id);
      const current = found === undefined ? '' : revisionOf(found);
      if (revision !== undefined && revision !== current) throw this.conflict(id, current, revision);
      if (found === undefined && this.files.ids().length >= dashboardLimits.dashboards)
        throw new HttpError(
          403,
          'forbidden',
          `The store has ${dashboardLimits.dashboards} dashboards, and may not have more.`,
        );
      const bytes = Buffer.from(dashboardText(dashboard));
      // Default values may make it longer than what was sent.
      if (bytes.length > dashboardLimits.bytes)
        throw new HttpError(413, 'bad_data', `The dashboard is larger than ${dashboardLimits.bytes} bytes.`);
      await this.files.write(id, bytes);
      return revisionOf(bytes);
    });
  }

  /** Removes a dashboard, also a damaged one. Throws 403, 404 and 503. */
  remove(id: string): Promise<void> {
    return this.inTurn(id, 'removed', async () => {
      if (this.bytesOf(id) === undefined) throw new HttpError(404, 'not_found', `There is no dashboard ${id}.`);
      await this.files.remove(id);
    });
  }

  private listed(id: string): ListedDashboard {
    const entry = { id, title: id, readyMade: false, panels: 0 };
    if (!idPattern.test(id)) return { ...entry, problem: `the name of the file is no id; allowed: ${idRule}` };
    if (readyMade.has(id)) return { ...entry, problem: 'a ready-made dashboard has this id' };
    try {
      const bytes = this.bytesOf(id);
      if (bytes === undefined) return { ...entry, problem: 'the file was removed meanwhile' };
      const { title, panels } = this.parse(bytes);
      return { ...entry, title, panels: panels.length };
    } catch (error) {
      return { ...entry, problem: messageOf(error) };
    }
  }

  private bytesOf(id: string): Uint8Array | undefined {
    return this.files.read(id, dashboardLimits.bytes + 1);
  }

  private parse(bytes: Uint8Array): Dashboard {
    if (bytes.length > dashboardLimits.bytes)
      throw new DashboardError(`the file is larger than ${dashboardLimits.bytes} bytes`);
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      throw new DashboardError('the file is not UTF-8');
    }
    return parseDashboardText(text);
  }

  private conflict(id: string, current: string, revision: string): HttpError {
    const why =
      current === ''
        ? `The dashboard ${id} was removed meanwhile`
        : revision === ''
          ? `There is a dashboard ${id} already`
          : `The dashboard ${id} was changed meanwhile`;
    return new HttpError(409, 'conflict', `${why}; nothing was saved.`);
  }

  private inTurn<Result>(id: string, changed: string, change: () => Promise<Result>): Promise<Result> {
    const run = async (): Promise<Result> => {
      checkId(id);
      if (readyMade.has(id))
        throw new HttpError(
          403,
          'forbidden',
          `The ready-made dashboard ${id} can't be ${changed}; save it under another name.`,
        );
      if (this.isReadOnly)
        throw new HttpError(
          403,
          'forbidden',
          'The store was opened read-only, so its dashboards can be shown and exported, but not changed.',
        );
      try {
        return await change();
      } catch (error) {
        throw unsaved(error);
      }
    };
    const result = this.last.then(run, run);
    this.last = result.catch(() => {});
    return result;
  }
}
