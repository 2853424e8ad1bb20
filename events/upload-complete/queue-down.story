update 0190a6a0-7c1e-7000-8000-0000000000a1: etag "etag", status awaiting_upload -> queued, unsent true
send {"video_id":"0190a6a0-7c1e-7000-8000-0000000000a1","user_id":"0190a6a0-7c1e-7000-8000-000000000001","key":"uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1","email":"ana@example.com","every_ms":1000,"mode":"exact","etag":"\"etag\"","registered":true} !! sqs: timeout
reply 503 {"detail":"a part of the system cannot be reached just now; try again in a moment","status":503,"title":"Service Unavailable","type":"/problems#unavailable"}
