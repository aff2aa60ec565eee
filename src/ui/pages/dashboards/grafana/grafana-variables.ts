/** The variables of Grafana's dashboards (templating). */
import { allValues, dashboardLimits as limits, type Variable } from '../../../../dashboards/dashboard.ts';
import { parseVariableQuery } from '../variable-queries.ts';
import { type LeftOutNotes, quoted } from './left-out.ts';
import { at, type LooseObject, objectsAt, textAt } from './loose-json.ts';

const isText = (value: unknown): value is string => typeof value === 'string';

const chosenOf = (variable: LooseObject): string[] => {
  const value = at(variable, 'current', 'value');
  const values = (Array.isArray(value) ? value : [value]).filter(isText);
  return values.filter((one) => one !== '' && one.length <= limits.textLength).slice(0, limits.values);
};

/** Grafana writes the expression between slashes, perhaps with flags. */
const regexOf = (text: string): string => /^\/(.*)\/[a-z]*$/s.exec(text)?.[1] ?? text;

/** `1,two : 2,a\,b`: values, some with a text before. */
const customValues = (text: string): string[] =>
  text
    .split(/(?<!\\),/)
    .map((part) => part.replaceAll('\\,', ',').trim())
    .map((part) => /^.+?\s+:\s+(.+)$/s.exec(part)?.[1] ?? part)
    .filter((part) => part !== '');

const listedOf = (variable: LooseObject): string[] => {
  const listed = customValues(textAt(variable, 'query'));
  return listed.length > 0 ? listed : objectsAt(variable, 'options').map((one) => textAt(one, 'value'));
};

const queryText = (variable: LooseObject): string => textAt(variable, 'query') || textAt(variable, 'query', 'query');

const isRegex = (text: string): boolean => {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
};

/** What is said of types that are left out. */
const unread: Readonly<Record<string, string>> = {
  datasource: 'a choice of data sources: there is one store here',
  adhoc: 'filters that apply to every query',
  groupby: 'labels to group by',
};

/** The variable as it is here; `undefined` if it is left out. */
export const grafanaVariable = (variable: LooseObject, notes: LeftOutNotes): Variable | undefined => {
  const name = textAt(variable, 'name');
  const type = textAt(variable, 'type');
  const what = `the variable ${name || 'without a name'}`;
  if (!/^(?!__)[a-zA-Z_]\w{0,99}$/.test(name)) {
    notes.add(what, 'its name is not one of letters, digits and _');
    return undefined;
  }
  const base = {
    name,
    label: textAt(variable, 'label').slice(0, limits.textLength),
    multi: at(variable, 'multi') === true,
    all: at(variable, 'includeAll') === true,
    chosen: chosenOf(variable),
  };
  const list = (values: readonly string[]): Variable => {
    const usable = [...new Set(values)].filter((value) => value.length <= limits.textLength && value !== allValues);
    if (usable.length > limits.values) notes.add(what, `more than ${limits.values} values`);
    return { ...base, kind: 'list', values: usable.slice(0, limits.values) };
  };
  const allValue = textAt(variable, 'allValue');
  if (base.all && !['', '.*', '.+'].includes(allValue)) notes.add(what, `its text for all values, ${quoted(allValue)}`);
  switch (type) {
    case 'query': {
      const query = queryText(variable);
      const regex = regexOf(textAt(variable, 'regex'));
      const isRead = parseVariableQuery(query) !== undefined && query.length <= limits.queryLength;
      if (isRead && isRegex(regex) && regex.length <= limits.textLength)
        return { ...base, kind: 'query', query, regex };
      notes.add(
        what,
        isRead
          ? `its regular expression ${quoted(regex)}: the values that were chosen are kept`
          : `its query ${quoted(query)}, which is not label_values(…): the values that were chosen are kept`,
      );
      return list(base.chosen.filter((value) => value !== allValues));
    }
    case 'custom':
      return list(listedOf(variable));
    case 'interval':
      if (at(variable, 'auto') === true) notes.add(what, 'the value auto; $__interval and $__rate_interval are there');
      return {
        ...list(listedOf(variable).filter((value) => value !== 'auto' && !value.startsWith('$__auto'))),
        chosen: base.chosen.filter((value) => !value.startsWith('$__auto')),
      };
    case 'constant':
      return { ...list([textAt(variable, 'query')].filter((value) => value !== '')), chosen: [] };
    case 'textbox':
      notes.add(what, 'its field for text: it has the text that was in it');
      return { ...list(base.chosen.length > 0 ? base.chosen : [textAt(variable, 'query')]), chosen: [] };
    default:
      notes.add(what, unread[type] ?? `a variable of the type ${quoted(type)}`);
      return undefined;
  }
};
