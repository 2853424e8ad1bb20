reply 409 {"detail":"part 2 is not the one that was named: it has changed","status":409,"title":"Conflict","type":"/problems#other-part"}
