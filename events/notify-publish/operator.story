publish 0190a6a0-7c1e-7000-8000-0000000000a1 done
reply 202 {"message_id":"message-2"}
