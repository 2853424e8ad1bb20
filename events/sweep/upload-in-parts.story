abort-parts uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1 upload-1
update 0190a6a0-7c1e-7000-8000-0000000000a1: attempt (0190a6a0-7c1e-7000-8000-0000000000a1-1 2026-01-01T12:00:00Z), parts removed, reason its file was not uploaded in time, status awaiting_upload -> failed, unpublished false -> true
publish 0190a6a0-7c1e-7000-8000-0000000000a1 failed
update 0190a6a0-7c1e-7000-8000-0000000000a1: unpublished true -> false
reply null
