reply 409 {"detail":"part 2 has 5 bytes, but 8388608 are expected","status":409,"title":"Conflict","type":"/problems#other-size"}
