// Standard queues worked by the AWS SDK for Go, version 2, as Debian ships it. It speaks the Query
// protocol, tells errors apart by type, and refuses a reply whose MD5 is not that of the message.
package sqs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"sort"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

var (
	background = context.Background()
	client     = newClient(http.DefaultClient)
	queues     atomic.Int64
)

// newClient makes a client that repeats nothing, so that every refusal is seen.
func newClient(transport sqs.HTTPClient) *sqs.Client {
	return sqs.New(sqs.Options{
		Region:           "us-east-1",
		EndpointResolver: sqs.EndpointResolverFromURL(os.Getenv("MILLRACE_ENDPOINT")),
		Retryer:          aws.NopRetryer{},
		HTTPClient:       transport,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

// must ends the test if a call that has to succeed does not.
func must[Reply any](reply Reply, err error) Reply {
	if err != nil {
		panic(err)
	}
	return reply
}

func expect[Value any](t *testing.T, what string, got, wanted Value) {
	t.Helper()
	if !reflect.DeepEqual(got, wanted) {
		t.Fatalf("%s: got %v, expected %v", what, got, wanted)
	}
}

// expectError wants the typed error that the SDK makes of a refusal.
func expectError[Wanted error](t *testing.T, err error) {
	t.Helper()
	var wanted Wanted
	if !errors.As(err, &wanted) {
		t.Fatalf("got %v, expected %T", err, wanted)
	}
}

// expectCode wants a refusal for which the SDK has no type.
func expectCode(t *testing.T, err error, code string) {
	t.Helper()
	var refusal smithy.APIError
	if !errors.As(err, &refusal) || refusal.ErrorCode() != code {
		t.Fatalf("got %v, expected %s", err, code)
	}
}

func newQueue(attributes map[string]string) *string {
	name := fmt.Sprintf("go-%d", queues.Add(1))
	input := &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes}
	return must(client.CreateQueue(background, input)).QueueUrl
}

func attributesOf(queue *string) map[string]string {
	input := &sqs.GetQueueAttributesInput{
		QueueUrl:       queue,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	}
	return must(client.GetQueueAttributes(background, input)).Attributes
}

// counts tells how many messages are visible, in flight and delayed.
func counts(queue *string) [3]string {
	found := attributesOf(queue)
	return [3]string{
		found["ApproximateNumberOfMessages"],
		found["ApproximateNumberOfMessagesNotVisible"],
		found["ApproximateNumberOfMessagesDelayed"],
	}
}

func send(queue *string, body string) *sqs.SendMessageOutput {
	input := &sqs.SendMessageInput{QueueUrl: queue, MessageBody: &body}
	return must(client.SendMessage(background, input))
}

// receive gives the messages that are there now.
func receive(queue *string) []types.Message {
	input := &sqs.ReceiveMessageInput{
		QueueUrl:              queue,
		MaxNumberOfMessages:   10,
		AttributeNames:        []types.QueueAttributeName{types.QueueAttributeNameAll},
		MessageAttributeNames: []string{"All"},
	}
	return must(client.ReceiveMessage(background, input)).Messages
}

func receiveOne(t *testing.T, queue *string) types.Message {
	t.Helper()
	messages := receive(queue)
	expect(t, "messages", len(messages), 1)
	return messages[0]
}

func TestAQueueIsMadeFoundListedAndDeleted(t *testing.T) {
	input := &sqs.CreateQueueInput{
		QueueName:  aws.String("go-life"),
		Attributes: map[string]string{"VisibilityTimeout": "40"},
		Tags:       map[string]string{"team": "a"},
	}
	queue := must(client.CreateQueue(background, input)).QueueUrl
	expect(t, "the same again", must(client.CreateQueue(background, input)).QueueUrl, queue)
	found := must(client.GetQueueUrl(background, &sqs.GetQueueUrlInput{QueueName: input.QueueName}))
	expect(t, "URL", found.QueueUrl, queue)
	listed := must(client.ListQueues(background,
		&sqs.ListQueuesInput{QueueNamePrefix: input.QueueName}))
	expect(t, "list", listed.QueueUrls, []string{*queue})
	tags := must(client.ListQueueTags(background, &sqs.ListQueueTagsInput{QueueUrl: queue}))
	expect(t, "tags", tags.Tags, input.Tags)

	must(client.SetQueueAttributes(background, &sqs.SetQueueAttributesInput{
		QueueUrl:   queue,
		Attributes: map[string]string{"DelaySeconds": "3"},
	}))
	expect(t, "DelaySeconds", attributesOf(queue)["DelaySeconds"], "3")
	expect(t, "VisibilityTimeout", attributesOf(queue)["VisibilityTimeout"], "40")

	must(client.DeleteQueue(background, &sqs.DeleteQueueInput{QueueUrl: queue}))
	_, err := client.GetQueueUrl(background, &sqs.GetQueueUrlInput{QueueName: input.QueueName})
	expectError[*types.QueueDoesNotExist](t, err)
	_, err = client.CreateQueue(background, input)
	expectError[*types.QueueDeletedRecently](t, err)
}

func TestRefusalsHaveTheirTypes(t *testing.T) {
	queue := newQueue(map[string]string{"DelaySeconds": "1"})
	_, err := client.CreateQueue(background, &sqs.CreateQueueInput{
		QueueName:  aws.String((*queue)[strings.LastIndex(*queue, "/")+1:]),
		Attributes: map[string]string{"DelaySeconds": "2"},
	})
	expectError[*types.QueueNameExists](t, err)
	_, err = client.GetQueueAttributes(background, &sqs.GetQueueAttributesInput{
		QueueUrl:       queue,
		AttributeNames: []types.QueueAttributeName{"Foobar"},
	})
	expectError[*types.InvalidAttributeName](t, err)
	_, err = client.SendMessage(background, &sqs.SendMessageInput{
		QueueUrl:    queue,
		MessageBody: aws.String("\x01"),
	})
	expectError[*types.InvalidMessageContents](t, err)
	_, err = client.DeleteMessage(background, &sqs.DeleteMessageInput{
		QueueUrl:      queue,
		ReceiptHandle: aws.String("garbage"),
	})
	expectError[*types.ReceiptHandleIsInvalid](t, err)
	_, err = client.SendMessage(background, &sqs.SendMessageInput{
		QueueUrl:     queue,
		MessageBody:  aws.String("body"),
		DelaySeconds: 901,
	})
	expectCode(t, err, "InvalidParameterValue")

	must(client.PurgeQueue(background, &sqs.PurgeQueueInput{QueueUrl: queue}))
	_, err = client.PurgeQueue(background, &sqs.PurgeQueueInput{QueueUrl: queue})
	expectError[*types.PurgeQueueInProgress](t, err)
}

func TestAMessageKeepsItsBodyAndItsAttributes(t *testing.T) {
	queue := newQueue(nil)
	body := "tab\t line\n return\r \"quoted\" & <tag> \u00e9 \ue000 \ufffd \U0001f600 \U0010ffff"
	attributes := map[string]types.MessageAttributeValue{
		"blob":  {DataType: aws.String("Binary"), BinaryValue: []byte{1, 2, 3}},
		"color": {DataType: aws.String("String"), StringValue: aws.String("blue")},
		"count": {DataType: aws.String("Number"), StringValue: aws.String("3")},
	}
	sent := must(client.SendMessage(background, &sqs.SendMessageInput{
		QueueUrl:          queue,
		MessageBody:       &body,
		MessageAttributes: attributes,
	}))
	expect(t, "digest", *sent.MD5OfMessageAttributes, "d838729972a4b70e2d2acd9d59ac847c")

	message := receiveOne(t, queue)
	expect(t, "body", *message.Body, body)
	expect(t, "id", *message.MessageId, *sent.MessageId)
	expect(t, "digest", *message.MD5OfMessageAttributes, *sent.MD5OfMessageAttributes)
	expect(t, "attributes", len(message.MessageAttributes), 3)
	expect(t, "blob", message.MessageAttributes["blob"].BinaryValue, []byte{1, 2, 3})
	expect(t, "color", *message.MessageAttributes["color"].StringValue, "blue")
	expect(t, "count", *message.MessageAttributes["count"].DataType, "Number")
	expect(t, "receives", message.Attributes["ApproximateReceiveCount"], "1")
}

// spoiler is a transport that writes another digest into every reply.
type spoiler struct{}

func (spoiler) Do(request *http.Request) (*http.Response, error) {
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	// Of "hello".
	body = bytes.ReplaceAll(body, []byte("5d41402abc4b2a76b9719d911017c592"),
		[]byte("00000000000000000000000000000000"))
	reply.Body = io.NopCloser(bytes.NewReader(body))
	return reply, err
}

func TestTheSdkDoesCheckDigests(t *testing.T) {
	queue := newQueue(nil)
	doubter := newClient(spoiler{})
	_, err := doubter.SendMessage(background, &sqs.SendMessageInput{
		QueueUrl:    queue,
		MessageBody: aws.String("hello"),
	})
	if err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Fatalf("got %v, expected a wrong checksum", err)
	}
	_, err = doubter.ReceiveMessage(background, &sqs.ReceiveMessageInput{QueueUrl: queue})
	if err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Fatalf("got %v, expected a wrong checksum", err)
	}
}

func TestAReceivedMessageIsHiddenGivenBackAndDeleted(t *testing.T) {
	queue := newQueue(nil)
	send(queue, "hello")
	first := receiveOne(t, queue)
	expect(t, "hidden", len(receive(queue)), 0)
	must(client.ChangeMessageVisibility(background, &sqs.ChangeMessageVisibilityInput{
		QueueUrl:          queue,
		ReceiptHandle:     first.ReceiptHandle,
		VisibilityTimeout: 0,
	}))
	expect(t, "counts", counts(queue), [3]string{"1", "0", "0"})
	second := receiveOne(t, queue)
	must(client.DeleteMessage(background, &sqs.DeleteMessageInput{
		QueueUrl:      queue,
		ReceiptHandle: second.ReceiptHandle,
	}))
	expect(t, "counts", counts(queue), [3]string{"0", "0", "0"})
}

func TestBatchesSucceedEntryByEntry(t *testing.T) {
	queue := newQueue(nil)
	sent := must(client.SendMessageBatch(background, &sqs.SendMessageBatchInput{
		QueueUrl: queue,
		Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("a"), MessageBody: aws.String("one")},
			{Id: aws.String("late"), MessageBody: aws.String("two"), DelaySeconds: 901},
			{Id: aws.String("b"), MessageBody: aws.String("three")},
		},
	}))
	expect(t, "sent", len(sent.Successful), 2)
	expect(t, "failed", len(sent.Failed), 1)
	expect(t, "failed entry", *sent.Failed[0].Id, "late")
	expect(t, "its code", *sent.Failed[0].Code, "InvalidParameterValue")
	expect(t, "its fault", sent.Failed[0].SenderFault, true)

	var bodies []string
	var entries []types.DeleteMessageBatchRequestEntry
	for i, message := range receive(queue) {
		bodies = append(bodies, *message.Body)
		entries = append(entries, types.DeleteMessageBatchRequestEntry{
			Id:            aws.String(fmt.Sprint(i)),
			ReceiptHandle: message.ReceiptHandle,
		})
	}
	sort.Strings(bodies)
	expect(t, "bodies", bodies, []string{"one", "three"})
	deleted := must(client.DeleteMessageBatch(background, &sqs.DeleteMessageBatchInput{
		QueueUrl: queue,
		Entries:  entries,
	}))
	expect(t, "deleted", len(deleted.Successful), 2)
	expect(t, "counts", counts(queue), [3]string{"0", "0", "0"})

	_, err := client.SendMessageBatch(background, &sqs.SendMessageBatchInput{
		QueueUrl: queue,
		Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("same"), MessageBody: aws.String("one")},
			{Id: aws.String("same"), MessageBody: aws.String("two")},
		},
	})
	expectError[*types.BatchEntryIdsNotDistinct](t, err)
}

func TestAWaitingReceiveEndsWhenAMessageIsSent(t *testing.T) {
	queue := newQueue(nil)
	received := make(chan *sqs.ReceiveMessageOutput)
	go func() {
		received <- must(client.ReceiveMessage(background, &sqs.ReceiveMessageInput{
			QueueUrl:        queue,
			WaitTimeSeconds: 20,
		}))
	}()
	send(queue, "wake up")
	expect(t, "messages", len((<-received).Messages), 1)
}

func TestDeadLetters(t *testing.T) {
	dead := newQueue(nil)
	arn := attributesOf(dead)["QueueArn"]
	policy := must(json.Marshal(map[string]any{"deadLetterTargetArn": arn, "maxReceiveCount": 1}))
	source := newQueue(map[string]string{
		"RedrivePolicy":     string(policy),
		"VisibilityTimeout": "0",
	})
	sent := send(source, "poison")
	receiveOne(t, source)
	expect(t, "left", len(receive(source)), 0)
	moved := receiveOne(t, dead)
	expect(t, "id", *moved.MessageId, *sent.MessageId)
	expect(t, "receives", moved.Attributes["ApproximateReceiveCount"], "2")
	sources := must(client.ListDeadLetterSourceQueues(background,
		&sqs.ListDeadLetterSourceQueuesInput{QueueUrl: dead}))
	expect(t, "sources", sources.QueueUrls, []string{*source})
}
