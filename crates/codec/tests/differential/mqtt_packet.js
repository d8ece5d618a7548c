// Reads lines of a protocol level and a frame in hexadecimal; answers each with what mqtt-packet made of it: "ok" and
// the fields in the form of fields.rs, or "no" and why not. It judges nothing.
'use strict'
const mqtt = require('mqtt-packet')
const { properties } = require('mqtt-packet/constants')
const { createInterface } = require('readline')

const hex = (value) => Buffer.from(value).toString('hex')
const flag = (value) => (value ? 1 : 0)
const option = (value) => (value === undefined ? '-' : '=' + hex(value))

function value (it) {
  if (typeof it === 'boolean') return String(flag(it))
  return typeof it === 'number' ? String(it) : hex(it)
}

function block (all = {}) {
  const pairs = Object.entries(all).flatMap(([name, values]) => {
    const id = properties[name]
    if (name !== 'userProperties') return [values].flat().map((one) => [id, '', value(one)])
    return Object.entries(values).flatMap(([key, texts]) =>
      [texts].flat().map((text) => [id, hex(key) + ':', value(text)]))
  })
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0)
  pairs.sort((a, b) => a[0] - b[0] || order(a[1], b[1]))
  return '[' + pairs.map(([id, key, text]) => `${id}:${key}${text}`).join(',') + ']'
}

const answer = (p) => `id=${p.messageId} code=${p.reasonCode || 0} ${block(p.properties)}`
const forms = {
  connect: (p) => {
    const will = p.will && `${p.will.qos}${flag(p.will.retain)} ${hex(p.will.topic)} ` +
      `${hex(p.will.payload)} ${block(p.will.properties)}`
    return `level=${p.protocolVersion} bridge=${flag(p.bridgeMode)} clean=${flag(p.clean)} keep=${p.keepalive} ` +
      `${block(p.properties)} id=${hex(p.clientId)} will=${will || '-'} user${option(p.username)} password${option(p.password)}`
  },
  connack: (p) => `present=${flag(p.sessionPresent)} code=${p.reasonCode ?? p.returnCode} ${block(p.properties)}`,
  publish: (p) => `dup=${flag(p.dup)} qos=${p.qos} retain=${flag(p.retain)} id=${p.messageId ?? 0} topic=${hex(p.topic)} ` +
    `${block(p.properties)} payload=${hex(p.payload.slice())}`,
  puback: answer,
  pubrec: answer,
  pubrel: answer,
  pubcomp: answer,
  subscribe: (p) => `id=${p.messageId} ${block(p.properties)} ` + p.subscriptions.map((s) =>
    `${hex(s.topic)}/${s.qos}${flag(s.nl)}${flag(s.rap)}${s.rh || 0}`).join(','),
  suback: (p) => `id=${p.messageId} ${block(p.properties)} ${p.granted.join(',')}`,
  unsubscribe: (p) => `id=${p.messageId} ${block(p.properties)} ${p.unsubscriptions.map(hex).join(',')}`,
  unsuback: (p) => `id=${p.messageId} ${block(p.properties)} ${(p.granted || []).join(',')}`,
  pingreq: () => '',
  pingresp: () => '',
  disconnect: (p) => `code=${p.reasonCode || 0} ${block(p.properties)}`,
  auth: (p) => `code=${p.reasonCode} ${block(p.properties)}`
}

function decode (level, frame) {
  const heard = []
  const parser = mqtt.parser({ protocolVersion: level })
  parser.on('packet', (packet) => heard.push(packet))
  let left = 0
  try {
    let refused
    parser.on('error', (error) => { refused = refused || error.message })
    left = parser.parse(frame)
    if (refused) return 'no ' + refused
  } catch (error) {
    return 'no thrown: ' + error.message
  }
  if (heard.length !== 1 || left !== 0) return `no whole packet: ${heard.length}`
  try {
    return `ok ${heard[0].cmd} ${forms[heard[0].cmd](heard[0])}`
  } catch (error) {
    return 'ok without its fields: ' + error.message
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [level, frame] = line.split(' ')
  process.stdout.write(decode(Number(level), Buffer.from(frame, 'hex')).trimEnd() + '\n')
})
