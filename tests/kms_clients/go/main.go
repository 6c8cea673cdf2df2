// The twenty calls of calls.py by AWS's Go SDK, and thousands of calls one after the other:
//
//	kmsclients twenty URL
//	kmsclients serial URL COUNT
//
// SSL_CERT_FILE names what to trust where the URL is https.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

var background = context.Background()

func main() {
	client := kms.New(kms.Options{
		BaseEndpoint: aws.String(os.Args[2]),
		Region:       "eu-central-1",
		Credentials:  credentials.NewStaticCredentialsProvider("ROOT", "made-up", ""),
		Retryer:      aws.NopRetryer{},
	})
	if os.Args[1] == "serial" {
		serial(client, os.Args[3])
		return
	}
	twenty(client)
}

// serial makes data keys and keys, one call after the other, without retries, and prints how many failed.
func serial(client *kms.Client, asked string) {
	count, err := strconv.Atoi(asked)
	check(err)
	key, err := client.CreateKey(background, &kms.CreateKeyInput{})
	check(err)
	failed := 0
	for range count {
		_, err := client.GenerateDataKey(background, &kms.GenerateDataKeyInput{
			KeyId: key.KeyMetadata.KeyId, KeySpec: types.DataKeySpecAes256,
		})
		if err != nil {
			log.Print(err)
			failed++
		}
	}
	for range count / 4 {
		if _, err := client.CreateKey(background, &kms.CreateKeyInput{}); err != nil {
			log.Print(err)
			failed++
		}
	}
	fmt.Print(failed)
}

func twenty(client *kms.Client) {
	came := map[string]any{}
	scope := map[string]string{"tenant": "acme"}
	made, err := client.CreateKey(background, &kms.CreateKeyInput{
		Description: aws.String("twenty calls"),
		Tags:        []types.Tag{{TagKey: aws.String("by"), TagValue: aws.String("go")}},
	})
	check(err)
	key, alias := made.KeyMetadata.KeyId, aws.String("alias/"+*made.KeyMetadata.KeyId)
	came["CreateKey"] = made.KeyMetadata.KeyState
	described, err := client.DescribeKey(background, &kms.DescribeKeyInput{KeyId: made.KeyMetadata.Arn})
	check(err)
	came["DescribeKey"] = *described.KeyMetadata.Description
	_, err = client.CreateAlias(background, &kms.CreateAliasInput{AliasName: alias, TargetKeyId: key})
	check(err)
	came["CreateAlias"] = "done"
	aliases, err := client.ListAliases(background, &kms.ListAliasesInput{KeyId: key})
	check(err)
	came["ListAliases"] = len(aliases.Aliases)
	sealed, err := client.Encrypt(background, &kms.EncryptInput{
		KeyId: alias, Plaintext: []byte("text"), EncryptionContext: scope,
	})
	check(err)
	came["Encrypt"] = "done"
	opened, err := client.Decrypt(background, &kms.DecryptInput{
		CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: scope,
	})
	check(err)
	came["Decrypt"] = string(opened.Plaintext)
	_, err = client.Decrypt(background, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	came["Decrypt with another context"] = refusal(err)
	data, err := client.GenerateDataKey(background, &kms.GenerateDataKeyInput{
		KeyId: alias, KeySpec: types.DataKeySpecAes256,
	})
	check(err)
	came["GenerateDataKey"] = len(data.Plaintext)
	again, err := client.ReEncrypt(background, &kms.ReEncryptInput{
		CiphertextBlob: sealed.CiphertextBlob, SourceEncryptionContext: scope, DestinationKeyId: alias,
	})
	check(err)
	opened, err = client.Decrypt(background, &kms.DecryptInput{CiphertextBlob: again.CiphertextBlob})
	check(err)
	came["ReEncrypt"] = string(opened.Plaintext)
	random, err := client.GenerateRandom(background, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(24)})
	check(err)
	came["GenerateRandom"] = len(random.Plaintext)
	tags, err := client.ListResourceTags(background, &kms.ListResourceTagsInput{KeyId: key})
	check(err)
	came["ListResourceTags"] = *tags.Tags[0].TagKey
	_, err = client.EnableKeyRotation(background, &kms.EnableKeyRotationInput{
		KeyId: key, RotationPeriodInDays: aws.Int32(90),
	})
	check(err)
	came["EnableKeyRotation"] = "done"
	rotation, err := client.GetKeyRotationStatus(background, &kms.GetKeyRotationStatusInput{KeyId: key})
	check(err)
	came["GetKeyRotationStatus"] = *rotation.RotationPeriodInDays
	_, err = client.CreateGrant(background, &kms.CreateGrantInput{
		KeyId:            key,
		GranteePrincipal: aws.String("arn:aws:iam::000000000000:role/reader"),
		Operations:       []types.GrantOperation{types.GrantOperationDecrypt},
		Name:             aws.String("one"),
	})
	check(err)
	came["CreateGrant"] = "done"
	grants, err := client.ListGrants(background, &kms.ListGrantsInput{KeyId: key})
	check(err)
	came["ListGrants"] = *grants.Grants[0].Name
	signer, err := client.CreateKey(background, &kms.CreateKeyInput{
		KeySpec: types.KeySpecEccNistP256, KeyUsage: types.KeyUsageTypeSignVerify,
	})
	check(err)
	came["CreateKey that signs"] = signer.KeyMetadata.SigningAlgorithms[0]
	signed, err := client.Sign(background, &kms.SignInput{
		KeyId: signer.KeyMetadata.KeyId, Message: []byte("m"), SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256,
	})
	check(err)
	came["Sign"] = "done"
	verified, err := client.Verify(background, &kms.VerifyInput{
		KeyId: signer.KeyMetadata.KeyId, Message: []byte("m"), Signature: signed.Signature,
		SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256,
	})
	check(err)
	came["Verify"] = verified.SignatureValid
	_, err = client.DisableKey(background, &kms.DisableKeyInput{KeyId: key})
	check(err)
	came["DisableKey"] = "done"
	_, err = client.Encrypt(background, &kms.EncryptInput{KeyId: alias, Plaintext: []byte("text")})
	came["Encrypt with a disabled key"] = refusal(err)
	check(json.NewEncoder(os.Stdout).Encode(came))
}

func refusal(err error) string {
	var answered smithy.APIError
	if errors.As(err, &answered) {
		return answered.ErrorCode()
	}
	return "none"
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
