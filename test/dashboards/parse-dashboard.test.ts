/** What counts as a dashboard, and what is said of JSON that is none. */
import { expect } from 'chai';
import { dashboardLimits, idPattern } from '../../src/dashboards/dashboard.ts';
import { DashboardError } from '../../src/dashboards/json-fields.ts';
import { dashboardText, parseDashboard, parseDashboardText } from '../../src/dashboards/parse-dashboard.ts';
import { readyMade } from '../../src/dashboards/ready-made/ready-made.ts';

const small = { version: 1, title: 'Rooms', panels: [{ queries: [{ expr: 'room_celsius' }] }] };

const refusalOf = (value: unknown): string => {
  try {
    parseDashboard(value);
  } catch (error) {
    if (error instanceof DashboardError) return error.message;
    throw error;
  }
  return 'accepted';
};

const withPanel = (panel: unknown): unknown => ({ ...small, panels: [panel] });
const withVariable = (variable: unknown): unknown => ({ ...small, variables: [variable] });

describe('a dashboard', () => {
  it('is completed with what it leaves out', () => {
    expect(parseDashboard(small)).to.deep.equal({
      version: 1,
      title: 'Rooms',
      range: '1h',
      refresh: '',
      variables: [],
      panels: [
        {
          title: '',
          kind: 'lines',
          queries: [{ expr: 'room_celsius', legend: '' }],
          unit: 'auto',
          width: 6,
          height: 'medium',
        },
      ],
    });
  });

  it('comes back from its text as it was', () => {
    for (const dashboard of readyMade.values())
      expect(parseDashboardText(dashboardText(dashboard))).to.deep.equal(dashboard);
  });

  const refused: Readonly<Record<string, readonly [value: unknown, message: string]>> = {
    'no object': [[], 'the dashboard is a list; allowed: an object'],
    null: [null, 'the dashboard is null; allowed: an object'],
    'no version': [{ title: 'a' }, 'version is missing; allowed: 1'],
    'a later version': [
      { ...small, version: 2, colours: [] },
      'version is 2: a later version of Tidemark wrote this dashboard',
    ],
    'no title': [{ version: 1, panels: [] }, 'title is missing; allowed: not empty text, at most 500 characters'],
    'an empty title': [{ ...small, title: ' ' }, 'title is " "; allowed: not empty text, at most 500 characters'],
    'an unknown field': [
      { ...small, colour: 1 },
      'colour is not known; allowed: version, title, range, refresh, variables, panels',
    ],
    'a range of nothing': [
      { ...small, range: '0s' },
      'range is "0s"; allowed: a duration such as 30s or 1h30m, above 0',
    ],
    'a refresh that is no duration': [
      { ...small, refresh: 'often' },
      'refresh is "often"; allowed: a duration such as 30s or 1h30m, or empty for never',
    ],
    'panels that are no list': [{ ...small, panels: {} }, 'panels is an object; allowed: a list of at most 100'],
    'too many panels': [
      { ...small, panels: Array.from({ length: 101 }, () => ({})) },
      'panels has 101 entries; allowed: at most 100',
    ],
    'a width of 13': [withPanel({ width: 13 }), 'panels[0].width is 13; allowed: a whole number from 1 to 12'],
    'a width of a half': [withPanel({ width: 0.5 }), 'panels[0].width is 0.5; allowed: a whole number from 1 to 12'],
    'an unknown kind': [
      withPanel({ kind: 'pie' }),
      'panels[0].kind is "pie"; allowed: lines, stacked, stat, table, heatmap',
    ],
    'a query that is no text': [
      withPanel({ queries: [{ expr: 5 }] }),
      'panels[0].queries[0].expr is 5; allowed: text, at most 5000 characters',
    ],
    'a name that is none': [
      withVariable({ name: '1st', query: 'label_values(job)' }),
      'variables[0].name is "1st"; allowed: letters, digits and _, no digit and no __ at the beginning',
    ],
    'a query of a variable that is none': [
      withVariable({ name: 'job', query: 'up' }),
      'variables[0].query is "up"; allowed: label_values(label) or label_values(selector, label)',
    ],
    'a regular expression that is none': [
      withVariable({ name: 'job', query: 'label_values(job)', regex: '(' }),
      'variables[0].regex is "("; allowed: a regular expression',
    ],
    'two variables of a name': [
      { ...small, variables: [1, 2].map(() => ({ name: 'job', query: 'label_values(job)' })) },
      'variables has the name job twice; allowed: each once',
    ],
    'fields of a prototype': [
      JSON.parse('{"version":1,"title":"a","__proto__":{"panels":[]}}'),
      '__proto__ is not known; allowed: version, title, range, refresh, variables, panels',
    ],
  };

  for (const [name, [value, message]] of Object.entries(refused))
    it(`is refused with the field and what is allowed: ${name}`, () => {
      expect(refusalOf(value)).to.equal(message);
    });

  it('is refused as text that is no JSON', () => {
    expect(() => parseDashboardText('{')).to.throw(DashboardError, 'the text is no JSON');
  });

  it('is cut short in messages', () => {
    const message = refusalOf({ ...small, range: 'x'.repeat(1_000_000) });
    expect(message.length).to.be.below(250);
  });
});

describe('the id of a dashboard', () => {
  it('is a name of a file on every system', () => {
    for (const id of ['a', 'this-process', '0', 'a'.repeat(64)]) expect(idPattern.test(id), id).to.equal(true);
    for (const id of ['', '-a', 'a-', 'A', '.', '..', 'a/b', 'a.json', 'ä', 'a'.repeat(65), 'a\n'])
      expect(idPattern.test(id), id).to.equal(false);
  });
});

describe('the ready-made dashboards', () => {
  it('are within the limits', () => {
    for (const [id, dashboard] of readyMade) {
      expect(idPattern.test(id)).to.equal(true);
      expect(dashboardText(dashboard).length).to.be.below(dashboardLimits.bytes);
    }
  });
});
