internal import WebSocket
print("echo")
