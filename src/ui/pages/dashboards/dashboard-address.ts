/** What the address of the page says: which dashboard, which range, which values of variables. */
import { type PanelKind, panelKinds } from '../../../dashboards/dashboard.ts';
import { durationMs } from '../../parts/text/duration-text.ts';
import { fixedRangeOf, setRangeParams, type TimeView } from '../../parts/time/time-view.ts';

const variablePrefix = 'var-';

export interface AddedPanel {
  readonly queries: readonly string[];
  readonly kind: PanelKind;
}

export interface DashboardAddress {
  /** `undefined`: the list of all, or the new one. */
  readonly id: string | undefined;
  readonly isNew: boolean;
  /** As the dashboard has it if the address says nothing. */
  readonly range: string | undefined;
  readonly fixed: TimeView['fixed'];
  readonly utc: boolean;
  /** A duration, or `off`. */
  readonly refresh: string | undefined;
  /** The chosen values of variables, by name. */
  readonly chosen: Readonly<Record<string, readonly string[]>>;
  /** Queries that are to become a panel. */
  readonly added: AddedPanel | undefined;
}

const isDuration = (text: string | null): text is string => text !== null && (durationMs(text) ?? 0) > 0;

export const readAddress = (search = location.search): DashboardAddress => {
  const params = new URLSearchParams(search);
  const range = params.get('range');
  const refresh = params.get('refresh');
  const names = [...params.keys()].filter((name) => name.startsWith(variablePrefix));
  const added = params.getAll('add').filter((query) => query.trim() !== '');
  return {
    id: params.get('id') ?? undefined,
    isNew: params.get('new') === '1',
    range: isDuration(range) ? range : undefined,
    fixed: fixedRangeOf(params),
    utc: params.get('tz') === 'utc',
    refresh: refresh === 'off' || isDuration(refresh) ? refresh : undefined,
    chosen: Object.fromEntries(names.map((name) => [name.slice(variablePrefix.length), params.getAll(name)])),
    added:
      added.length === 0
        ? undefined
        : { queries: added, kind: panelKinds.find((kind) => kind === params.get('kind')) ?? 'lines' },
  };
};

export const writtenAddress = ({ id, isNew, range, fixed, utc, refresh, chosen, added }: DashboardAddress): string => {
  const params = new URLSearchParams();
  if (id !== undefined) params.set('id', id);
  if (isNew) params.set('new', '1');
  if (range !== undefined || fixed !== undefined) setRangeParams(params, { range: range ?? '', fixed });
  if (refresh !== undefined) params.set('refresh', refresh);
  if (utc) params.set('tz', 'utc');
  for (const [name, values] of Object.entries(chosen))
    for (const value of values) params.append(variablePrefix + name, value);
  for (const query of added?.queries ?? []) params.append('add', query);
  if (added !== undefined) params.set('kind', added.kind);
  return `./dashboards${params.size > 0 ? `?${params}` : ''}`;
};

const plain: DashboardAddress = {
  id: undefined,
  isNew: false,
  range: undefined,
  fixed: undefined,
  utc: false,
  refresh: undefined,
  chosen: {},
  added: undefined,
};

/** The address of a dashboard; of the list of all without an id. */
export const addressOfDashboard = (id?: string, more: Partial<DashboardAddress> = {}): string =>
  writtenAddress({ ...plain, id, ...more });
