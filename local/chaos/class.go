package chaos

// Class is a class of faults, in words for people.
type Class string

// The classes.
const (
	StoreAway       Class = "Firestore UNAVAILABLE"
	StoreAborted    Class = "Firestore ABORTED"
	StoreAnswerLost Class = "Firestore applied, DEADLINE_EXCEEDED"
	StoreOutage     Class = "Firestore outage of seconds"
	ListenerCut     Class = "Firestore listeners cut"

	PublishAway       Class = "publish UNAVAILABLE"
	PublishAnswerLost Class = "publish taken, answer lost"
	PubSubOutage      Class = "Pub/Sub outage of seconds"

	StartLost      Class = "execution started, then lost"
	StartDoubled   Class = "execution started twice"
	StartThrottled Class = "execution start throttled"
	EngineLost     Class = "engine restart: all executions lost"

	CallAway       Class = "service call UNAVAILABLE"
	CallAnswerLost Class = "service call answered, answer lost"
	SagaAway       Class = "saga step not reached"
	SagaAnswerLost Class = "saga step done, answer lost"
	SagaTwice      Class = "saga step called twice"
	SagaLate       Class = "saga step called late"

	DeliveryTwice   Class = "delivered twice"
	DeliveryLate    Class = "delivered late, out of order"
	DeliveryAckLost Class = "delivered, ack lost"
	DeliveryLost    Class = "delivery lost"
	Poison          Class = "poison message"

	ProviderNotCharged Class = "provider: not charged, no answer"
	ProviderCharged    Class = "provider: charged, no answer"
	ProviderSlow       Class = "provider: slow answer"
	ProviderAway       Class = "provider: 503"
	WebhookFirst       Class = "webhook before the answer"
	WebhookTwice       Class = "webhook twice"
	WebhookAnswerLost  Class = "webhook taken, answer lost"
	WebhookForged      Class = "webhook forged"
	WebhookStale       Class = "webhook stale"
	ProviderSkew       Class = "provider's clock minutes off"

	StorageAway       Class = "Cloud Storage 503"
	StorageAnswerLost Class = "Cloud Storage done, answer lost"

	KilledBefore Class = "SIGKILL before it is done"
	KilledAfter  Class = "SIGKILL after it is done"
	KilledAnyway Class = "SIGKILL at any moment"
	UnitSkew     Class = "process's clock seconds off"
)

// Classes are all of them.
var Classes = []Class{
	StoreAway, StoreAborted, StoreAnswerLost, StoreOutage, ListenerCut, PublishAway, PublishAnswerLost, PubSubOutage,
	StartLost, StartDoubled, StartThrottled, EngineLost, CallAway, CallAnswerLost, SagaAway, SagaAnswerLost, SagaTwice, SagaLate,
	DeliveryTwice, DeliveryLate, DeliveryAckLost, DeliveryLost, Poison,
	ProviderNotCharged, ProviderCharged, ProviderSlow, ProviderAway, WebhookFirst, WebhookTwice, WebhookAnswerLost, WebhookForged,
	WebhookStale, ProviderSkew, StorageAway, StorageAnswerLost, KilledBefore, KilledAfter, KilledAnyway, UnitSkew,
}

// every is how many passages of a site there are, on average, between two faults of a class.
func (c Class) every() float64 {
	switch c {
	case KilledBefore, KilledAfter:
		return 400
	case StartLost, StartDoubled, StartThrottled, SagaLate, DeliveryLate, WebhookForged, WebhookStale:
		return 40
	case WebhookFirst, WebhookTwice, WebhookAnswerLost, StorageAway, StorageAnswerLost:
		return 15
	}
	return 80
}
