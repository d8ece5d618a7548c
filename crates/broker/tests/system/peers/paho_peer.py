"""Clients of paho-mqtt that do what lines on standard input say; see script.rs."""

import socket
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

VERSIONS = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5.0": mqtt.MQTTv5}
clients = {}
writing = threading.Lock()


def say(*words):
    with writing:
        print("\t".join(str(word) for word in words), flush=True)


def parse(text):
    """`key=value key=value` to properties of PUBLISH; an empty text is none."""
    properties = Properties(PacketTypes.PUBLISH)
    for key, value in (pair.split("=", 1) for pair in text.split()):
        if key == "content-type":
            properties.ContentType = value
        elif key == "correlation-data":
            properties.CorrelationData = value.encode()
        elif key == "expiry":
            properties.MessageExpiryInterval = int(value)
        elif key == "format":
            properties.PayloadFormatIndicator = int(value)
        elif key == "response-topic":
            properties.ResponseTopic = value
        elif key == "user":
            properties.UserProperty = tuple(value.split(":", 1))
    return properties if text else None


def show(properties):
    """The other way round, in the order of the keys."""
    shown = []
    for key, name in [
        ("content-type", "ContentType"),
        ("correlation-data", "CorrelationData"),
        ("expiry", "MessageExpiryInterval"),
        ("format", "PayloadFormatIndicator"),
        ("response-topic", "ResponseTopic"),
    ]:
        value = getattr(properties, name, None)
        if value is not None:
            shown.append(f"{key}={value.decode() if isinstance(value, bytes) else value}")
    shown += [f"user={key}:{value}" for key, value in getattr(properties, "UserProperty", [])]
    return " ".join(shown)


def open_client(name, port, version, client_id, is_clean, *will):
    is_v5 = version == "5.0"
    clean = {} if is_v5 else {"clean_session": is_clean == "1"}
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=VERSIONS[version],
        reconnect_on_failure=False,
        **clean,
    )

    def on_connect(_client, _userdata, flags, reason, _properties):
        if reason.is_failure:
            say("failed", name, reason)
        else:
            say("opened", name, int(flags.session_present))

    def on_disconnect(_client, _userdata, _flags, reason, _properties):
        say("closed", name, reason.value)

    def on_subscribe(_client, _userdata, _packet_id, reasons, _properties):
        say("subscribed", name, *(reason.value for reason in reasons))

    def on_message(_client, _userdata, message):
        properties = show(message.properties) if is_v5 else ""
        payload = message.payload.decode()
        say("message", name, message.topic, message.qos, int(message.retain), payload, properties)

    def on_publish(_client, _userdata, _packet_id, _reason, _properties):
        say("published", name)

    client.on_connect = on_connect
    client.on_disconnect = on_disconnect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    client.on_publish = on_publish
    if will:
        topic, payload, qos, retain = will
        client.will_set(topic, payload, int(qos), retain == "1")
    options = {}
    if is_v5:
        connect = Properties(PacketTypes.CONNECT)
        connect.SessionExpiryInterval = 0 if is_clean == "1" else 3600
        options = {"clean_start": is_clean == "1", "properties": connect}
    clients[name] = client
    client.connect("127.0.0.1", int(port), 60, **options)
    client.loop_start()


def main():
    for line in sys.stdin:
        command, name, *arguments = line.rstrip("\n").split("\t")
        if command == "open":
            open_client(name, *arguments)
        elif command == "subscribe":
            topic_filter, qos = arguments
            clients[name].subscribe(topic_filter, int(qos))
        elif command == "publish":
            topic, qos, retain, payload, properties = arguments
            clients[name].publish(topic, payload, int(qos), retain == "1", parse(properties))
        elif command == "close":
            clients.pop(name).disconnect()
        elif command == "cut":
            clients.pop(name).socket().shutdown(socket.SHUT_RDWR)


main()
