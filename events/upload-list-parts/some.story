reply 200 {"expires_at":"2026-01-02T12:00:00.000Z","part_count":3,"part_size":8388608,"parts":[{"etag":"\"part-1\"","part":1,"size":8388608},{"etag":"\"part-3\"","part":3,"size":4194304}]}
