/** What the page shows where no rules are evaluated: how to start some. */
import { h } from '../../parts/elements.ts';

const example = `groups:
  - name: process
    rules:
      - alert: EventLoopDelayed
        expr: tidemark_event_loop_delay_p99_seconds > 0.1
        for: 1m
        annotations: {summary: "The event loop waits {{ humanizeDuration $value }}"}`;

export const noRules = (): HTMLElement =>
  h(
    'section',
    { class: 'panel', 'aria-label': 'No rules' },
    h('h2', {}, 'No rules are evaluated'),
    h('p', {}, 'Write a rule file of Prometheus, for example ', h('code', {}, 'rules.yml'), ':'),
    h('pre', { class: 'mono small scroll', tabindex: '0' }, example),
    h('p', {}, 'Then start the server with it:'),
    h('pre', { class: 'mono small scroll', tabindex: '0' }, 'tidemark serve ./data --rules rules.yml'),
    h(
      'p',
      { class: 'soft' },
      'A program of your own starts rules with startRules of tidemark/rules, and gives them to the server as its option rules.',
    ),
  );
