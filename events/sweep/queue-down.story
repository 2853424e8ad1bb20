publish 0190a6a0-7c1e-7000-8000-0000000000d1 failed
update 0190a6a0-7c1e-7000-8000-0000000000d1: unpublished true -> false
send {"video_id":"0190a6a0-7c1e-7000-8000-0000000000d3","user_id":"0190a6a0-7c1e-7000-8000-000000000001","key":"uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000d3","email":"ana@example.com","every_ms":1000,"mode":"exact","registered":true} !! sqs: timeout
reply error
