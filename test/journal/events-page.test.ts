import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { EventsDecoder, encodeEvents } from '../../src/journal/format/events-codec.ts';
import { ByteWriter } from '../../src/model/byte-writer.ts';
import type { LifecycleEvent } from '../../src/model/events.ts';
import { MalformedBytes } from '../../src/model/malformed-bytes.ts';
import { eventExamples } from '../docs/generators/event-examples.ts';
import { eventsPage, eventsPagePath } from '../docs/generators/events-page.ts';

const lifecycleExamples = Object.values(eventExamples).filter(
  (event): event is LifecycleEvent => !('timestamps' in event),
);

const encode = (events: readonly LifecycleEvent[]): Buffer => {
  const writer = new ByteWriter();
  encodeEvents(events, writer);
  return writer.copy();
};

describe('the catalogue of events', () => {
  it('is documented as the types have it: UPDATE_DOCS=1 npm test writes the page', () => {
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(eventsPagePath, eventsPage());
    expect(readFileSync(eventsPagePath, 'utf8')).to.equal(eventsPage());
  });

  it('has a section with an example for every type', () => {
    for (const type of Object.keys(eventExamples)) expect(eventsPage()).to.include(`### ${type}\n`);
  });

  it('says of every event and of every field what it is, unless the type does', () => {
    const lines = eventsPage().split('\n');
    const bareFields = lines.filter((line) => line.endsWith('|  |') && !/`(Fingerprint|Labels)`/.test(line));
    const bareTypes = lines.filter((line, index) => line.startsWith('### ') && /^[|`]/.test(lines[index + 2]));
    expect([...bareFields, ...bareTypes]).to.deep.equal([]);
  });

  it('survives the journal, event by event and all in one record', () => {
    const decoder = new EventsDecoder();
    for (const event of lifecycleExamples) {
      const bytes = encode([event]);
      expect(decoder.decode(bytes, 0, bytes.length)).to.deep.equal([event]);
    }
    const bytes = encode(lifecycleExamples);
    expect(decoder.decode(bytes, 0, bytes.length)).to.deep.equal(lifecycleExamples);
  });

  it('is refused when its bytes are cut short or changed, and never crashes the reader', () => {
    const bytes = encode(lifecycleExamples.slice(0, 3));
    const decoder = new EventsDecoder();
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decoder.decode(bytes, 0, length), `${length} bytes`).to.throw(MalformedBytes);
    }
    for (let offset = 0; offset < bytes.length; offset++) {
      for (const flip of [1, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes);
        damaged[offset] ^= flip;
        try {
          decoder.decode(damaged, 0, damaged.length);
        } catch (error) {
          expect(error).to.be.instanceOf(MalformedBytes);
        }
      }
    }
  });
});
