upload uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1 16 bytes
insert id-1: status awaiting_upload
update id-1: etag "etag", status awaiting_upload -> queued, unsent true
send {"video_id":"id-1","user_id":"0190a6a0-7c1e-7000-8000-000000000001","key":"uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1","email":"ana@example.com","every_ms":2000,"mode":"exact","etag":"\"etag\"","registered":true}
update id-1: unsent removed
reply 202 -> /videos/0190a6a0-7c1e-7000-8000-000000000001/id-1 {"bytes_read":null,"created_at":"2026-01-01T12:00:00.000Z","duration_ms":null,"filename":"holiday.mp4","frames":0,"links":{"download":null,"self":"/videos/0190a6a0-7c1e-7000-8000-000000000001/id-1"},"moments":null,"options":{"every_ms":2000,"format":"jpg","from_ms":null,"hdr":"tone-map","mode":"exact","quality":null,"repeat":false,"samples":"square","strict":false,"to_ms":null,"track":null,"width":null},"progress":0,"reason":null,"retries":0,"size":16,"status":"queued","updated_at":"2026-01-01T12:00:00.000Z","user_id":"0190a6a0-7c1e-7000-8000-000000000001","video_id":"id-1","warning":null,"zip_size":null}
