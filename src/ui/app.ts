/** The entry point of the pages: waits until the store is open, then shows the page of the address. */
import { Connection } from './frame/connection.ts';
import { PageFrame } from './frame/page-frame.ts';
import { elementById, setText } from './parts/elements.ts';

const frame = new PageFrame();
const connection = new Connection(frame);
const { directory, name } = await connection.untilOpen();
const path = elementById('directory');
setText(path, name);
path.title = directory;
frame.show();
await connection.watch();
