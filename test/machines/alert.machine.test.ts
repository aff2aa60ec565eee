import { expect } from 'chai';
import { createActor } from 'xstate';
import { type AlertContext, alertMachine, alertStates, changesAlert } from '../../machines/alert.machine.ts';

const stateValueOf = (path: string) => {
  const [top, inner] = path.split('.');
  return (inner === undefined ? top : { [top]: inner }) as 'pending';
};

describe('machines/alert.machine', () => {
  it('changes exactly when changesAlert says so, so that an alert at rest needs no actor', () => {
    const times = [0, 1000, 60_000, 16 * 60_000];
    for (const state of alertStates) {
      for (const forMs of [0, 1000]) {
        for (const keepFiringForMs of [0, 60_000]) {
          const context: AlertContext = {
            forMs,
            keepFiringForMs,
            activeAt: 0,
            firedAt: 0,
            keptSince: 0,
            resolvedAt: 0,
          };
          for (const type of ['seen', 'missing', 'dismiss'] as const) {
            for (const at of times) {
              if (state === 'gone') continue;
              const snapshot = alertMachine.resolveState({ value: stateValueOf(state), context });
              const actor = createActor(alertMachine, { snapshot }).start();
              actor.send({ type, at });
              const isChanged = JSON.stringify(actor.getSnapshot().value) !== JSON.stringify(snapshot.value);
              expect(
                changesAlert(state, context, { type, at }),
                `${state} ${type} ${at} ${forMs} ${keepFiringForMs}`,
              ).to.equal(isChanged);
            }
          }
        }
      }
    }
  });
});
