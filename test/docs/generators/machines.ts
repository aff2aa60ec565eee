/** docs/machines.md: the statecharts as diagrams and tables, read out of the machines. */
import type { AnyStateMachine } from 'xstate';
import {
  eventLabel,
  type MachineTransition,
  machines,
  machineToMermaid,
  transitionsOf,
} from '../../../machines/export.ts';
import { type MachineState, statesOf } from '../../support/machine-table.ts';
import { markdownTable } from './markdown-table.ts';
import { storeTagReaders } from './tag-readers.ts';

export const file = 'docs/machines.md';

const chapters: readonly { readonly title: string; readonly machine: AnyStateMachine; readonly intro: string }[] = [
  {
    title: 'A series',
    machine: machines.series,
    intro: `Every series is an actor of this machine, [machines/series.machine.ts](../machines/series.machine.ts). A series at rest
has only a row of columns. When an event arrives, the store creates the actor from the row; when the series is at rest
again, the store removes it. So a hundred thousand series cost a hundred thousand rows. Samples do not pass through the
machine: an event is a visit of the maintenance sweep, or another change in the life of the series.

An event that arrives while a file call is running is remembered as a sub-state and handled when the call has ended. So
there is only one call at a time for a file.

| tag | meaning |
|---|---|
| \`writable\` | takes samples; without it, a new sample starts a new series |
| \`onDisk\` | all chunks are in the series file, none in memory; a sample wakes the series first |
| \`busy\` | a call is running; the actor stays awake until it ends |
| \`resident\` | has a row of its own, also without an actor |
| \`visited\` | a visit of the maintenance sweep may change something |
| \`quarantined\` | the file is damaged, and is moved to \`orphaned/\` or was moved there |
| \`deleted\` | a user deleted the series; only its file may still be there, and checkpoints leave the series out |
| \`leaving\` | the file still has to be moved to \`orphaned/\` or deleted; nothing is written to it, and a clean close tries once more |`,
  },
  {
    title: 'The store',
    machine: machines.store,
    intro: `One actor of this machine, [machines/store.machine.ts](../machines/store.machine.ts), lives as long as the store:
\`store.actor\`. While the store runs, five regions are active at the same time, each in one of its states.

| tag | meaning |
|---|---|
| \`running\` | open; the other tags name what is restricted |
| \`rushed\` | maintenance runs without pauses |
| \`throttled\` | takes no samples until pressure falls: \`TIDEMARK_THROTTLED\` |
| \`readOnly\` | takes no samples: \`TIDEMARK_DISK_FULL\` or \`TIDEMARK_IO\`; \`TIDEMARK_READ_ONLY\` if it was opened with \`readOnly: true\` |
| \`diskRefuses\` | a write failed, and no probe of the disk has succeeded since |
| \`indexingBehind\` | takes no samples of new series until half of the indexing queue is written: \`TIDEMARK_THROTTLED\` |
| \`clockDoubted\` | wall time jumped; retention and archiving go by the earlier of wall time and the time that the monotonic clock gives |
| \`busy\` | a checkpoint is being written |`,
  },
  {
    title: 'A forwarding',
    machine: machines.forward,
    intro: `Every forwarding of \`tidemark/remote\` has one actor of this machine,
[machines/forward.machine.ts](../machines/forward.machine.ts). It is offered one request at a time, and decides what follows
the receiver's answer. [forwarding.md](forwarding.md) describes the answers.`,
  },
  {
    title: 'An alert',
    machine: machines.alert,
    intro: `Every alert of [the rules](rules.md) is an actor of this machine,
[machines/alert.machine.ts](../machines/alert.machine.ts). An alert at rest is a row; the actor is created when an event
changes the alert. Each evaluation of the rule sends \`seen\` or \`missing\` with its time, so no timer decides anything.

| tag | meaning |
|---|---|
| \`pending\` | the condition holds, but not for as long as \`for\` says |
| \`firing\` | the alert fires |`,
  },
];

const preface = `# The statecharts

Four statecharts decide about the life of a series, of the store, of a forwarding, and of an alert. They are plain XState machines: print them with
\`tidemark machines\`, paste what \`tidemark machines series --format js\` prints into the Stately visualizer, or watch them
live on the Actors page of \`tidemark serve\`. Creating a series, closing a full head chunk, and creating the successor of
a quarantined series do not go through the statechart of the series; [architecture.md](architecture.md#two-planes) names
all such changes.

How to read the tables: of several rows with the same state and event, the machine takes the first whose guard holds. If
a state does not list an event, the surrounding state handles it; if that does not list it either, it is ignored. *done*
and *failed* are the outcomes of a call. A transition without a target stays in its state.`;

export const generate = (): string => `${[preface, ...chapters.map(chapter), readers()].join('\n\n')}\n`;

/** Which code asks for the states of the running store. */
const readers = (): string => {
  const regions = statesOf(machines.store).filter(({ path }) => path.startsWith('running.'));
  return [
    `## Who asks for the store's states

For each region and each state of the running store: its tags, and the files that ask for one of them. A state without
tags restricts nothing.`,
    markdownTable(
      ['state', 'tags', 'asked by'],
      regions.map(({ path, tags }) => [
        code(path.replace('running.', '')),
        tags.map(code).join(' '),
        [...new Set(tags.flatMap((tag) => storeTagReaders.get(tag) ?? []))].sort().map(code).join(' '),
      ]),
    ),
  ].join('\n\n');
};

const chapter = ({ title, machine, intro }: (typeof chapters)[number]): string =>
  [
    `## ${title}`,
    intro,
    `\`\`\`mermaid\n${machineToMermaid(machine)}\`\`\``,
    `Mermaid draws no arrows between sub-states of different states; they are drawn between the states around them. The
table has the exact ones.`,
    '### States',
    markdownTable(['state', 'tags', 'calls', 'meaning'], statesOf(machine).map(stateRow)),
    '### Transitions',
    markdownTable(['state', 'event', 'guard', 'actions', 'target'], transitionsOf(machine).map(transitionRow)),
  ].join('\n\n');

const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

const stateRow = ({ path, tags, calls, description, type }: MachineState): string[] => [
  code(path),
  tags.map(code).join(' '),
  calls.map(code).join(' '),
  [description ?? '', type === 'final' ? 'Final.' : ''].join(' ').trim(),
];

const transitionRow = ({ source, event, guard, actions, target }: MachineTransition): string[] => [
  code(source),
  eventLabel(event),
  code(guard ?? ''),
  actions.map(code).join(', '),
  code(target ?? ''),
];
