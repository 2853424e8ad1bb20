reply 200 retry: 10000

id: 0-d1fba762150c532c-d1fba762150c532c
event: videos
data: {"video_ids":[],"next":null}


