import { expect } from 'chai';
import { type AnyStateMachine, createMachine } from 'xstate';
import {
  eventLabel,
  machines,
  machineToJs,
  machineToJson,
  machineToMermaid,
  transitionsOf,
} from '../../machines/export.ts';
import { statesOf } from '../support/machine-table.ts';

describe('machine-export', () => {
  it('lists each transition with its guard, its actions and its target', () => {
    expect(transitionsOf(machines.series).filter(({ source }) => source === 'archived.resting')).to.deep.equal([
      {
        source: 'archived.resting',
        event: 'maintain',
        index: 0,
        guard: 'isDroppable',
        actions: [],
        target: 'archived.trimming',
      },
      { source: 'archived.resting', event: 'wake', index: 0, guard: undefined, actions: ['wake'], target: 'inMemory' },
      { source: 'archived.resting', event: 'drop', index: 0, guard: undefined, actions: [], target: 'purging' },
      {
        source: 'archived.resting',
        event: 'damage',
        index: 0,
        guard: undefined,
        actions: ['noteReason'],
        target: 'quarantined',
      },
    ]);
  });

  it('names every guard and every action: nothing is inline', () => {
    for (const machine of Object.values(machines)) {
      for (const { guard, actions, source } of transitionsOf(machine)) {
        expect([guard, ...actions], source).to.not.include('inline');
        expect([guard, ...actions].join(), source).to.not.include('xstate.');
      }
    }
  });

  it('finds a sentence about every state', () => {
    for (const machine of Object.values(machines)) {
      for (const { path, description } of statesOf(machine)) expect(description, path).to.match(/^[A-Z].*\.$/);
    }
  });

  it('gives every call an id that no other call of the machine has', () => {
    for (const machine of Object.values(machines)) {
      const calls = statesOf(machine).flatMap((state) => state.calls);
      expect(new Set(calls).size).to.equal(calls.length);
      for (const call of calls) expect(call).to.match(/^[a-zA-Z]+$/);
    }
  });

  it('says events as people do', () => {
    expect(eventLabel('maintain')).to.equal('maintain');
    expect(eventLabel('xstate.done.actor.persistChunks')).to.equal('persistChunks done');
    expect(eventLabel('xstate.error.actor.persistChunks')).to.equal('persistChunks failed');
    expect(eventLabel('xstate.after.probeAgain.store.running.health')).to.equal('after probeAgain');
    expect(eventLabel('')).to.equal('always');
  });

  it('exports JSON that XState takes back as a machine with the same states and transitions', () => {
    for (const machine of Object.values(machines)) {
      const again = createMachine(machineToJson(machine) as never);
      expect(statesOf(again)).to.deep.equal(statesOf(machine));
      expect(transitionsOf(again)).to.deep.equal(transitionsOf(machine));
    }
  });

  it('exports code: one call of createMachine with literals, for a machine with the same states and transitions', () => {
    for (const [name, machine] of Object.entries(machines)) {
      const [imported, exported, ...more] = machineToJs(machine).split('\n\n');
      expect(imported).to.equal("import { createMachine } from 'xstate';");
      expect(more).to.deep.equal([]);
      const call = exported!.replace(`export const ${name}Machine = `, 'return ');
      // No other name is in scope, so the argument can refer to nothing.
      const again = new Function('createMachine', `'use strict'; ${call}`)(createMachine) as AnyStateMachine;
      expect(again.id).to.equal(machine.id);
      expect(statesOf(again)).to.deep.equal(statesOf(machine));
      expect(transitionsOf(again)).to.deep.equal(transitionsOf(machine));
      for (const { key } of statesOf(machine)) expect(exported).to.include(`${key}: {`);
    }
  });

  it('exports several machines as one module', () => {
    const text = machineToJs(machines.series, machines.store);
    expect(text.match(/^import /gm)).to.have.length(1);
    expect(text.match(/^export const (series|store)Machine = createMachine\(/gm)).to.have.length(2);
  });

  it('draws every state once, and arrows only between states that lie in the same state', () => {
    for (const machine of Object.values(machines)) {
      const lines = machineToMermaid(machine).split('\n');
      const declared = lines.flatMap((line) => /^ *state "[^"]+" as (\w+)/.exec(line)?.[1] ?? []);
      expect(declared).to.have.members(statesOf(machine).map(({ path }) => path.replaceAll('.', '_')));
      const scope = (id: string) => id.split('_').slice(0, -1).join('_');
      for (const line of lines) {
        const [, from, to] = /^ *(\w+) --> (\w+)/.exec(line) ?? [];
        if (from !== undefined && to !== undefined) expect(scope(from), line).to.equal(scope(to));
      }
    }
  });
});
