import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { alertMachine } from '../../machines/alert.machine.ts';
import { seriesMachine } from '../../machines/series.machine.ts';
import { storeMachine } from '../../machines/store.machine.ts';
import { layOutInTwoDepths, layOutStoreMachine } from '../docs/generators/machine-layout.ts';

/** Compares with the committed file; `UPDATE_DOCS=1` writes it instead. */
const expectCommitted = (name: string, layout: unknown): void => {
  const path = join(process.cwd(), 'src', 'ui', 'public', 'machines', `${name}.json`);
  const text = `${JSON.stringify(layout)}\n`;
  if (process.env['UPDATE_DOCS']) writeFileSync(path, text);
  expect(readFileSync(path, 'utf8') === text, `${path} is stale; UPDATE_DOCS=1 npm test writes it anew`).to.equal(true);
};

describe("the pages' drawings of the statecharts", () => {
  it('are those of the series machine', async () => {
    expectCommitted('series', await layOutInTwoDepths(seriesMachine.root));
  });

  it('are those of the alert machine', async () => {
    expectCommitted('alert', await layOutInTwoDepths(alertMachine.root));
  });

  it('are those of the store machine', async () => {
    expectCommitted('store', await layOutStoreMachine(storeMachine.root));
  });
});
