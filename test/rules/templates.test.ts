/** Templates of labels and annotations, expanded with one series, against a table. */
import { expect } from 'chai';
import { alertTemplate, expandAlertTemplate } from '../../src/rules/templates/alert-template.ts';

const surroundings = {
  now: 1_767_225_600_000,
  externalUrl: 'http://host.example:9090/prefix/',
  query: async (expr: string) =>
    expr === 'none'
      ? []
      : [
          { labels: { __name__: 'metric', instance: 'b', job: 'x' }, value: 21 },
          { labels: { __name__: 'metric', instance: 'a', job: 'x' }, value: 11 },
        ],
};

const expand = (text: string, value = 1.5): Promise<string> =>
  expandAlertTemplate(alertTemplate(text), {
    labels: { instance: 'db-1.example:9100', job: 'node', empty: '' },
    externalLabels: { region: 'eu' },
    value,
    surroundings,
  });

const table: readonly (readonly [string, string])[] = [
  ['plain text }} {', 'plain text }} {'],
  ['{{ $value }}', '1.5'],
  ['{{ .Value }} {{ .Labels.job }} {{ $labels.job }} {{ $labels.missing }}|', '1.5 node node |'],
  [
    '{{ $externalLabels.region }} {{ .ExternalLabels.region }} {{ $externalURL }}',
    'eu eu http://host.example:9090/prefix/',
  ],
  ['{{ externalURL }} {{ pathPrefix }}', 'http://host.example:9090/prefix/ /prefix'],
  ['a {{- /* a comment */ -}} b', 'ab'],
  ['a\n  {{- " x " -}}  \n b', 'a x b'],
  ['{{ 1000000.0 }} {{ 123456.0 }} {{ 1e21 }} {{ 0.00001 }} {{ 7 }}', '1e+06 123456 1e+21 1e-05 7'],
  [
    '{{ printf "%.2f|%5.1f|%-6s|%06.2f|%d|%x|%q|%v|%t|%%" 1.005 2.25 "ab" 3.14159 42 255 "a\\"b" 1.5 true }}',
    '1.00|  2.2|ab    |003.14|42|ff|"a\\"b"|1.5|true|%',
  ],
  [
    '{{ printf "%d" 1.5 }} {{ printf "%s" 1 }} {{ printf "%d" }} {{ printf "a" 1 }}',
    '%!d(float64=1.5) %!s(int=1) %!d(MISSING) a%!(EXTRA int=1)',
  ],
  ['{{ printf "%e %g %.3g %+d" 12345.678 1e6 12345.678 5 }}', '1.234568e+04 1e+06 1.23e+04 +5'],
  [
    '{{ humanize 0.0 }} {{ humanize 1.0 }} {{ humanize 1234567.0 }} {{ humanize .12 }} {{ humanize "0.0000125" }} {{ humanize 999.99 }}',
    '0 1 1.235M 120m 12.5u 1000',
  ],
  [
    '{{ humanize1024 0.0 }} {{ humanize1024 1048576.0 }} {{ humanize1024 435687000.0 }} {{ humanize1024 1000 }}',
    '0 1Mi 415.5Mi 1000',
  ],
  [
    '{{ humanizeDuration 0.0 }} {{ humanizeDuration 3600 }} {{ humanizeDuration 90061.5 }} {{ humanizeDuration 0.0123 }} {{ humanizeDuration 59.9999 }} {{ humanizeDuration -61 }}',
    '0s 1h 0m 0s 1d 1h 1m 1s 12.3ms 60s -1m 1s',
  ],
  ['{{ humanizePercentage 0.123456 }} {{ humanizePercentage 1 }}', '12.35% 100%'],
  [
    '{{ humanizeTimestamp 1435065584.128 }} {{ 1435065584 | toTime }}',
    '2015-06-23 13:19:44.128 +0000 UTC 2015-06-23 13:19:44 +0000 UTC',
  ],
  ['{{ "aa bb CC" | title }} {{ toUpper "aBc" }} {{ toLower "aBc" }}', 'Aa Bb CC ABC abc'],
  ['{{ reReplaceAll "(a)b" "x$1${1}y" "ab abb cab" }} {{ reReplaceAll "x*" "-" "abxc" }}', 'xaay xaayb cxaay -a-b-c-'],
  ['{{ reReplaceAll "^([^:]+):.*$" "$1" $labels.instance }}', 'db-1.example'],
  ['{{ match "a+" "xaax" }} {{ match "^a+$" "xaax" }}', 'true false'],
  [
    '{{ stripPort $labels.instance }} {{ stripPort "[::1]:80" }} {{ stripPort "host" }} {{ stripDomain $labels.instance }}',
    'db-1.example ::1 host db-1:9100',
  ],
  ['{{ parseDuration "1h30m" }} {{ safeHtml "<b>" }}', '5400 <b>'],
  ['{{ with query "metric" }}{{ . | first | value }} {{ . | first | label "instance" }}{{ end }}', '21 b'],
  ['{{ range query "metric" | sortByLabel "instance" }}{{ .Labels.instance }}={{ .Value }};{{ end }}', 'a=11;b=21;'],
  ['{{ range $i, $s := query "metric" }}{{ if $i }}, {{ end }}{{ $i }}:{{ $s.Value }}{{ end }}', '0:21, 1:11'],
  ['{{ range query "none" }}x{{ else }}nothing{{ end }}', 'nothing'],
  ['{{ if gt $value 1.0 }}high{{ else if eq $value 1.0 }}one{{ else }}low{{ end }}', 'high'],
  [
    '{{ if and (gt $value 1.0) (lt $value 2.0) }}between{{ end }}{{ if not (eq $labels.job "x") }} other{{ end }}',
    'between other',
  ],
  [
    '{{ or "" "b" }} {{ and "a" "" }}| {{ len "abc" }} {{ index $labels "job" }} {{ slice "abcdef" 1 3 }}',
    'b | 3 node bc',
  ],
  ['{{ $x := 1 }}{{ range query "metric" }}{{ $x = 2 }}{{ end }}{{ $x }}', '2'],
  ['{{ define "t" }}[{{ . }}]{{ end }}{{ template "t" $value }}{{ template "t" "x" }}', '[1.5][x]'],
  ['{{ define "two" }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template "two" (args 1 "b") }}', '1-b'],
  ['{{ range query "metric" }}{{ .Value }}{{ break }}{{ end }}', '21'],
  ['{{ print 1 2 "a" 3 }} {{ println "x" }}|', '1 2a3 x\n|'],
  ['{{ (query "metric" | first).Labels.job }} {{ html "<a>" }} {{ urlquery "a b&c" }}', 'x &lt;a&gt; a+b%26c'],
  ['{{ graphLink "up{a=\\"b\\"}" }}', '/graph?g0.expr=up%7Ba%3D%22b%22%7D&g0.tab=0'],
];

describe('templates of rules', () => {
  for (const [text, expected] of table) {
    it(`expand ${JSON.stringify(text)}`, async () => {
      expect(await expand(text)).to.equal(expected);
    });
  }

  for (const [text, message] of [
    ['{{ nothing }}', 'function "nothing" not defined'],
    ['{{ $nothing }}', 'undefined variable "$nothing"'],
    ['{{ if true }}', 'without {{end}}'],
    ['{{ end }}', 'unexpected {{end}}'],
    ['{{ "a', 'unclosed action'],
    ['{{ }}', 'missing value for command'],
    ['{{ break }}', 'outside {{range}}'],
    ['{{ (1 }}', 'unclosed left parenthesis'],
  ] as const) {
    it(`refuse ${JSON.stringify(text)}`, () => {
      expect(() => alertTemplate(text)).to.throw(message);
    });
  }

  for (const [text, message] of [
    ['{{ query "none" | first }}', 'first() called on vector with no elements'],
    ['{{ $value.field }}', "can't evaluate field field"],
    ['{{ gt $value 1 }}', 'incompatible types for comparison'],
    ['{{ humanize "x" }}', 'invalid syntax'],
    ['{{ template "missing" }}', 'not defined'],
    ['{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}', 'levels deep'],
    ['{{ range 1000000 }}{{ end }}', "can't iterate"],
    ['{{ printf "%99999d" 1 }}', 'width'],
  ] as const) {
    it(`fail to expand ${JSON.stringify(text)}`, async () => {
      const failure = await expand(text).catch((error: unknown) => String(error));
      expect(failure).to.contain(message);
    });
  }

  it('read NaN and the infinities', async () => {
    expect(await expand('{{ $value }} {{ humanize $value }} {{ printf "%.1f" $value }}', Number.NaN)).to.equal(
      'NaN NaN NaN',
    );
    expect(await expand('{{ $value }} {{ humanizeDuration $value }}', Number.POSITIVE_INFINITY)).to.equal('+Inf +Inf');
  });
});
