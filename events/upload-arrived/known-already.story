reply null
