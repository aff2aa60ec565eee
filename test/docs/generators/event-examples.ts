/** One example of every event: docs/events.md shows them, and tests use them as events of every kind. */
import type { DomainEvent } from '../../../src/model/events.ts';

type Examples = { readonly [Type in DomainEvent['type']]: Extract<DomainEvent, { type: Type }> };

const time = 1_767_225_600_000;
const fingerprint = '9a1f5c6b02d4e873';
const labels = { __name__: 'room_temperature_celsius', room: 'kitchen' };

const alert = {
  time: time + 300_000,
  episode: '4f1c09a2b7d3e586-1767225600000',
  group: 'rooms',
  rule: 'RoomTooHot',
  labels: { alertname: 'RoomTooHot', room: 'kitchen', severity: 'page' },
  annotations: { summary: 'The kitchen has 31.5 °C' },
  value: '31.5',
  activeAt: time,
};

export const eventExamples: Examples = {
  seriesCreated: { type: 'seriesCreated', time, fingerprint, labels },
  samplesAppended: {
    type: 'samplesAppended',
    time,
    fingerprints: [fingerprint, '03b7d1e2f4a59688', fingerprint],
    timestamps: Float64Array.of(1_767_225_599_000, 1_767_225_599_000, 1_767_225_600_000),
    values: Float64Array.of(21.5, 1, 21.6),
  },
  lateSamplesAppended: {
    type: 'lateSamplesAppended',
    time,
    fingerprints: [fingerprint, fingerprint],
    timestamps: Float64Array.of(1_767_139_200_000, 1_767_139_260_000),
    values: Float64Array.of(19.5, 19.6),
  },
  lateSamplesMerged: {
    type: 'lateSamplesMerged',
    time,
    fingerprint,
    where: 'file',
    added: 2,
    repeated: 0,
    refused: 0,
    erased: 0,
    chunksInFile: 14,
  },
  headChunksClosed: { type: 'headChunksClosed', time, fingerprints: [fingerprint] },
  seriesFilesChanging: { type: 'seriesFilesChanging', time, fingerprints: [fingerprint] },
  chunksPersisted: { type: 'chunksPersisted', time, fingerprint, chunks: 2, chunksInFile: 14 },
  chunksDropped: {
    type: 'chunksDropped',
    time,
    fingerprint,
    chunks: 3,
    chunksInFile: 11,
    firstTime: 1_765_929_600_000,
  },
  samplesDropped: {
    type: 'samplesDropped',
    time,
    fingerprint,
    from: 1_765_929_600_000,
    through: 1_765_929_660_000,
  },
  seriesArchived: {
    type: 'seriesArchived',
    time,
    fingerprint,
    labels,
    firstTime: 1_765_929_600_000,
    lastTime: 1_767_222_000_000,
  },
  seriesUnarchived: { type: 'seriesUnarchived', time, fingerprint, labels, lastTime: 1_767_222_000_000 },
  seriesQuarantined: {
    type: 'seriesQuarantined',
    time,
    fingerprint,
    labels,
    reason: 'chunk 7 has 0 samples',
    file: 'orphaned/9a/1f5c6b02d4e873.db',
    hasSuccessor: false,
  },
  seriesPurged: { type: 'seriesPurged', time, fingerprint, labels, reason: 'retention' },
  checkpointWritten: {
    type: 'checkpointWritten',
    time,
    from: 73_400_320,
    series: 100_000,
    chunks: 103_117,
    bytes: 118_489_600,
    durationMs: 1840,
  },
  storeOpened: {
    type: 'storeOpened',
    time,
    how: 'journal',
    series: 100_000,
    archivedSeries: 2500,
    headsBytes: 118_489_600,
    headsCrc32: 2_774_863_201,
  },
  storeClosing: { type: 'storeClosing', time, from: 73_400_320, headsBytes: 118_489_600, headsCrc32: 2_774_863_201 },
  storeClosed: { type: 'storeClosed', time, headsBytes: 118_489_600, headsCrc32: 2_774_863_201 },
  pressureChanged: { type: 'pressureChanged', time, from: 'normal', to: 'rushed', score: 0.81 },
  healthChanged: { type: 'healthChanged', time, to: 'readOnly', reason: 'the disk is full' },
  clockJumped: { type: 'clockJumped', time, byMs: -3_600_000 },
  subscriptionOverrun: { type: 'subscriptionOverrun', time, name: 'mirror', from: 73_400_320, to: 106_954_752 },
  retentionChanged: {
    type: 'retentionChanged',
    time,
    before: { time: 1_296_000_000 },
    after: { time: 1_296_000_000, rules: [{ selector: '{__name__=~"rollup:.*"}', time: 157_680_000_000 }] },
  },
  alertPending: { type: 'alertPending', ...alert, time: alert.activeAt },
  alertFired: { type: 'alertFired', ...alert },
  alertResolved: { type: 'alertResolved', ...alert, time: time + 3_600_000, was: 'firing', firedAt: time + 300_000 },
};
