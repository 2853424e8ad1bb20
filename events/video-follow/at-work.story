reply 200 retry: 1000

event: video
data: {"video_id":"0190a6a0-7c1e-7000-8000-0000000000a1","user_id":"0190a6a0-7c1e-7000-8000-000000000001","status":"processing","filename":"holiday.mp4","size":1048576,"zip_size":null,"bytes_read":null,"duration_ms":null,"frames":0,"moments":null,"progress":40,"reason":null,"warning":null,"retries":0,"options":{"every_ms":1000,"mode":"exact","format":"jpg","quality":null,"width":null,"from_ms":null,"to_ms":null,"repeat":false,"track":null,"samples":"square","hdr":"tone-map","strict":false},"created_at":"2026-01-01T12:00:00.000Z","updated_at":"2026-01-01T12:00:00.000Z","links":{"self":"/videos/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1","download":null}}

id: 19b796dd600-2b68159223743b73-f8d6812f2cfa1f12
event: videos
data: {"video_ids":["0190a6a0-7c1e-7000-8000-0000000000a1"],"next":null}


