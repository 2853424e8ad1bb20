status 0190a6a0-7c1e-7000-8000-0000000000a1 queued -> failed: not allowed here
publish 0190a6a0-7c1e-7000-8000-0000000000a1 failed
note 0190a6a0-7c1e-7000-8000-0000000000a1 published
reply 200 {"created_at":"2026-01-01T12:00:00.000Z","every_ms":1000,"filename":"holiday.mp4","frames":0,"mode":"exact","progress":0,"reason":"not allowed here","size":1048576,"status":"failed","updated_at":"2026-01-01T12:00:00.000Z","user_id":"0190a6a0-7c1e-7000-8000-000000000001","video_id":"0190a6a0-7c1e-7000-8000-0000000000a1"}
