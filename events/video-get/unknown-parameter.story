reply 400 {"detail":"there is no parameter \"fields\" here; none is taken","field":"fields","status":400,"title":"Bad Request","type":"/problems#unknown-field"}
