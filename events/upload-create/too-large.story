reply 413 {"detail":"the file has 5368709121 bytes; at most 5368709120 are taken","status":413,"title":"Payload Too Large","type":"/problems#too-large"}
