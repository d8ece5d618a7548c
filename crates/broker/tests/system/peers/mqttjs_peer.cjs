// Clients of MQTT.js that do what lines on standard input say; see script.rs.

'use strict';

const mqtt = require('mqtt');
const readline = require('node:readline');

const VERSIONS = {
  '3.1': { protocolVersion: 3, protocolId: 'MQIsdp' },
  '3.1.1': { protocolVersion: 4, protocolId: 'MQTT' },
  '5.0': { protocolVersion: 5, protocolId: 'MQTT' },
};
const clients = new Map();

const say = (...words) => process.stdout.write(words.join('\t') + '\n');

/** `key=value key=value` to properties of PUBLISH; an empty text is none. */
function parse(text) {
  if (text === '') return undefined;
  const properties = {};
  for (const pair of text.split(' ')) {
    const at = pair.indexOf('=');
    const [key, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (key === 'content-type') properties.contentType = value;
    else if (key === 'correlation-data') properties.correlationData = Buffer.from(value);
    else if (key === 'expiry') properties.messageExpiryInterval = Number(value);
    else if (key === 'format') properties.payloadFormatIndicator = value === '1';
    else if (key === 'response-topic') properties.responseTopic = value;
    else if (key === 'user') {
      const colon = value.indexOf(':');
      properties.userProperties = { [value.slice(0, colon)]: value.slice(colon + 1) };
    }
  }
  return properties;
}

/** The other way round, in the order of the keys. */
function show(properties = {}) {
  const shown = [];
  const add = (key, value) => value !== undefined && shown.push(`${key}=${value}`);
  add('content-type', properties.contentType);
  add('correlation-data', properties.correlationData?.toString());
  add('expiry', properties.messageExpiryInterval);
  add('format', properties.payloadFormatIndicator === undefined ? undefined : Number(properties.payloadFormatIndicator));
  add('response-topic', properties.responseTopic);
  for (const [key, value] of Object.entries(properties.userProperties ?? {})) {
    for (const each of [value].flat()) shown.push(`user=${key}:${each}`);
  }
  return shown.join(' ');
}

function open(name, port, version, clientId, isClean, ...will) {
  const options = { ...VERSIONS[version], clientId, clean: isClean === '1', reconnectPeriod: 0, keepalive: 60 };
  if (version === '5.0') options.properties = { sessionExpiryInterval: isClean === '1' ? 0 : 3600 };
  if (will.length > 0) {
    const [topic, payload, qos, retain] = will;
    options.will = { topic, payload: Buffer.from(payload), qos: Number(qos), retain: retain === '1' };
  }
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, options);
  let reason = 0;
  client.on('connect', (connack) => say('opened', name, Number(connack.sessionPresent ?? false)));
  client.on('error', (error) => say('failed', name, error.message));
  client.on('disconnect', (packet) => { reason = packet.reasonCode; });
  client.on('close', () => say('closed', name, reason));
  client.on('message', (topic, payload, packet) =>
    say('message', name, topic, packet.qos, Number(packet.retain), payload.toString(), show(packet.properties)));
  clients.set(name, client);
}

const COMMANDS = {
  open,
  subscribe(name, filter, qos) {
    clients.get(name).subscribe(filter, { qos: Number(qos) }, (error, granted) =>
      say('subscribed', name, ...(granted ?? []).map((each) => each.qos)));
  },
  publish(name, topic, qos, retain, payload, properties) {
    const options = { qos: Number(qos), retain: retain === '1', properties: parse(properties) };
    clients.get(name).publish(topic, payload, options, (error) => say(error ? 'failed' : 'published', name));
  },
  close(name) {
    clients.get(name).end();
  },
  cut(name) {
    clients.get(name).stream.destroy();
  },
};

readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [command, ...rest] = line.split('\t');
    COMMANDS[command](...rest);
  })
  .on('close', () => process.exit(0));
