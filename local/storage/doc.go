// Package storage is Cloud Storage on one machine: the part of its JSON API that streams objects in and out, copies,
// lists and changes them, reads by the XML API's GET, and events of finalized objects. The official clients work with
// it unmodified by STORAGE_EMULATOR_HOST.
//
// Content goes through a file, never through memory: a draft becomes an object by a rename and one line of a journal,
// which also says who is to be told. So an object and its events come into being together or not at all, and both
// survive the death of the process. They do not survive a loss of power: nothing waits for the disk. Durable mode waits:
// content, journal and the chunks of resumable uploads are on the disk before they are answered, and before anybody sees
// them. Only that an event was delivered may be forgotten: it is delivered again.
//
// What production has and this has not is refused by name with 501, never ignored: access control, versions, soft
// deletes, holds, retention, encryption keys, storage classes, partial answers (fields), decompressive transcoding
// (an object stored with Content-Encoding gzip is served to readers that accept gzip), signed URLs, writes by XML, gRPC.
// Who asks is not checked, so it belongs on a loopback address.
package storage
