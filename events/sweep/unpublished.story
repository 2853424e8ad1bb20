publish 0190a6a0-7c1e-7000-8000-0000000000d1 failed
update 0190a6a0-7c1e-7000-8000-0000000000d1: unpublished true -> false
publish 0190a6a0-7c1e-7000-8000-0000000000d2 done
update 0190a6a0-7c1e-7000-8000-0000000000d2: resends 0 -> 1
reply null
