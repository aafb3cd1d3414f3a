import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import type { ListenCommand } from './command.ts';
import type { Reply } from './reply.ts';
import { answerModelRequest } from './stand-in.ts';

/** Starts a listener; answers `listening`, or `refused` with the kernel's error code. */
export function answerListen(command: ListenCommand, send: (reply: Reply) => void): void {
  const seen = (id: string) => send({ kind: 'seen', id });
  const server = command.serves === 'stand-in' ? modelServer(command.name, seen) : lineServer(command.name, seen);
  server.once('error', (error: NodeJS.ErrnoException) =>
    send({ kind: 'refused', seq: command.seq, error: error.code ?? error.message }),
  );
  server.listen({ host: command.address, port: command.port }, () => send({ kind: 'listening', seq: command.seq }));
}

function modelServer(name: string, seen: (id: string) => void): Server {
  return createHttpServer((request, response) => answerModelRequest(name, request, response, seen));
}

/** Reads one line, `cordon-probe ID`, and answers with one line that names the host and the id. */
function lineServer(name: string, seen: (id: string) => void): Server {
  return createServer((socket) => {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      text = (text + chunk).slice(0, 1024);
      const id = /^cordon-probe (\S+)\n/.exec(text)?.[1];
      if (id === undefined) return;
      seen(id);
      text = '';
      socket.write(`${name} received ${id}\n`);
    });
  });
}
